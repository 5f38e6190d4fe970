/** Gives values the names that somebody outside knows them by. */
import type { Graph, Node, ValueId } from '../ir.js';

/** `names`: new names by old ones. Whoever has a new name already gets the old one in exchange. */
export function renameValues(graph: Graph, names: ReadonlyMap<ValueId, ValueId>): Graph {
  const now = new Map<ValueId, ValueId>();
  for (const [old, name] of names) {
    if (old === name || graph.params.has(name) || now.has(old) || now.has(name)) continue;
    now.set(old, name);
    if (graph.values.has(name)) now.set(name, old);
  }
  if (now.size === 0) return graph;
  const rename = (id: ValueId): ValueId => now.get(id) ?? id;
  return {
    ...graph,
    inputs: graph.inputs.map(rename),
    outputs: graph.outputs.map(rename),
    nodes: graph.nodes.map(
      (node) => ({ ...node, id: rename(node.id), inputs: node.inputs.map(rename) }) as Node,
    ),
    values: new Map(
      Array.from(graph.values.values(), (value) => [rename(value.id), { ...value, id: rename(value.id) }]),
    ),
  };
}
