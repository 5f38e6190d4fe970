/** Walks a graph once and puts other nodes in the place of some. */
import type { NDArray } from '../../core/index.js';
import { GraphBuilder, type NodeDraft } from '../builder.js';
import {
  countUses,
  paramsOf,
  type Graph,
  type Node,
  type NodeOf,
  type OpName,
  type ParamId,
  type ValueId,
} from '../ir.js';
import { prune } from './prune.js';

/** What a rule sees of the graph as rewritten so far. */
export interface Site {
  /** The node that makes a value, if it is of that op and nobody else reads it. */
  only<O extends OpName>(id: ValueId, op: O): NodeOf<O> | null;
  /** The node that makes a value, if it is of that op. */
  producer<O extends OpName>(id: ValueId, op: O): NodeOf<O> | null;
  /** The array of a constant. */
  constant(id: ValueId): NDArray | null;
  /** What `make` gives the first time it is asked for `key`. */
  once(key: string, make: () => ValueId): ValueId;
  /** Whether nothing else reads the array of a parameter. */
  own(id: ParamId): boolean;
  /** The number that a constant repeats. */
  number(id: ValueId): number | null;
  readonly build: GraphBuilder;
}

/** What stands for the node: a draft of another, a value that is there already, or null for the node as it is. */
export type Rule = (node: Node, site: Site) => NodeDraft | ValueId | null;

/**
 * Parameters keep their names. Values left without a reader are removed.
 *
 * @throws GraphError where a rule makes a node that does not fit
 */
export function rewrite(graph: Graph, rule: Rule): Graph {
  const build = new GraphBuilder(graph.numerics);
  const uses = countUses(graph);
  const names = new Map<ValueId, ValueId>();
  const nodes = new Map<ValueId, Node>();
  for (const { id, array, qparams } of graph.params.values()) build.param(id, array, qparams);
  const producer = <O extends OpName>(id: ValueId, op: O): NodeOf<O> | null => {
    const node = nodes.get(id);
    return node?.op === op ? (node as NodeOf<O>) : null;
  };
  const constant = (id: ValueId): NDArray | null => {
    const node = producer(id, 'constant');
    return node === null ? null : build.array(node.param);
  };
  const made = new Map<string, ValueId>();
  const numbers = new Map<NDArray, number | null>();
  const readers = new Map<NDArray, number>();
  for (const id of graph.nodes.flatMap(paramsOf)) {
    const { array } = graph.params.get(id)!;
    readers.set(array, (readers.get(array) ?? 0) + 1);
  }
  const site: Site = {
    build,
    once(key, make) {
      const id = made.get(key) ?? make();
      made.set(key, id);
      return id;
    },
    own: (id) => (readers.get(build.array(id)) ?? 0) <= 1,
    producer,
    constant,
    only: (id, op) => (uses.get(id) === 1 ? producer(id, op) : null),
    number(id) {
      const array = constant(id);
      if (array === null) return null;
      let number = numbers.get(array);
      if (number === undefined) {
        const { data } = array;
        number = data.length > 0 && data.every((v) => v === data[0]) ? data[0] : null;
        numbers.set(array, number);
      }
      return number;
    },
  };
  for (const id of graph.inputs) {
    const { shape, qparams } = graph.values.get(id)!;
    names.set(id, build.input(id, shape, qparams));
  }
  for (const old of graph.nodes) {
    const node = { ...old, inputs: old.inputs.map((id) => names.get(id)!) } as Node;
    const result = rule(node, site) ?? node;
    const id =
      typeof result === 'string' ? result : build.node(old.id, result, graph.values.get(old.id)!.qparams);
    names.set(old.id, id);
    if (typeof result !== 'string') nodes.set(id, { ...result, id } as Node);
    // who reads the old value now reads this one
    uses.set(id, typeof result === 'string' ? Infinity : (uses.get(old.id) ?? 0));
  }
  return prune(
    build.finish(
      graph.outputs.map((id) => names.get(id)!),
      graph.batch,
    ),
  );
}
