/** Layers whose output another layer alone reads, through nothing that mixes channels: what may be rescaled between. */
import { countUses, isLayer, paramsOf, type Graph, type LayerNode, type Node } from '../../graph/index.js';

export interface LayerPair {
  readonly first: LayerNode;
  readonly second: LayerNode;
  /** Nodes between, in order. */
  readonly between: readonly Node[];
}

/** Whether another node reads a parameter of this one. */
function shares(node: LayerNode, readers: ReadonlyMap<string, number>): boolean {
  return paramsOf(node).some((id) => readers.get(id)! > 1);
}

/**
 * Pairs in the order of the graph. Both layers own their parameters, and every value between them has one reader.
 *
 * @param passes whether a node may stand between
 */
export function layerPairs(graph: Graph, passes: (node: Node, graph: Graph) => boolean): LayerPair[] {
  const uses = countUses(graph);
  const readers = new Map<string, number>();
  for (const id of graph.nodes.flatMap(paramsOf)) readers.set(id, (readers.get(id) ?? 0) + 1);
  /** What reads a value, where that is one node only. */
  const reader = new Map(graph.nodes.flatMap((node) => node.inputs.map((id) => [id, node] as const)));
  const only = (id: string): Node | undefined => (uses.get(id) === 1 ? reader.get(id) : undefined);
  return graph.nodes.filter(isLayer).flatMap((first): LayerPair[] => {
    const between: Node[] = [];
    let next = only(first.id);
    for (; next !== undefined && !isLayer(next); next = only(next.id)) {
      if (!passes(next, graph)) return [];
      between.push(next);
    }
    if (next === undefined || shares(first, readers) || shares(next, readers)) return [];
    return [{ first, second: next, between }];
  });
}

/**
 * The input channel of `pair.second` that element `i` of its weight multiplies, as a channel of what `pair.first` makes: for
 * groups, counted over all of them; for a linear layer behind a flattened image, the last axis of that.
 */
export function inputChannel(second: LayerNode, weight: readonly number[], channels: number) {
  const inner = weight[weight.length - 1];
  if (second.op === 'linear') return (i: number): number => (i % inner) % channels;
  const perGroup = weight[0] / second.groups;
  const perFilter = weight[1] * weight[2] * inner;
  return (i: number): number => Math.floor(Math.floor(i / perFilter) / perGroup) * inner + (i % inner);
}
