/** Networks run in part: one value replaced, and only what depends on it computed again. */
import type { Tensor } from '../autograd/index.js';
import type { Graph, Node, ValueId } from '../graph/index.js';
import type { GraphModule } from '../trace/index.js';

/** The nodes that a value reaches, in their order. */
export function dependents(graph: Graph, id: ValueId): Node[] {
  const reached = new Set([id]);
  return graph.nodes.filter((node) => {
    const reads = node.inputs.some((input) => reached.has(input));
    if (reads) reached.add(node.id);
    return reads;
  });
}

/**
 * The outputs of a network, in the order of its graph, with `changed` in the place of value `id`.
 *
 * @param values of a run of the whole network
 * @param after {@link dependents} of `id`
 */
export function rerun(
  module: GraphModule,
  values: ReadonlyMap<ValueId, Tensor>,
  id: ValueId,
  changed: Tensor,
  after: readonly Node[],
): Tensor[] {
  const fresh = new Map([[id, changed]]);
  const read = (value: ValueId): Tensor => fresh.get(value) ?? values.get(value)!;
  for (const node of after) fresh.set(node.id, module.runNode(node, node.inputs.map(read)));
  return module.graph.outputs.map(read);
}
