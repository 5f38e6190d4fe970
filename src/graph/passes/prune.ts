/** Removes nodes that no output needs, and values and parameters that no node needs. Inputs stay. */
import { paramsOf, type Graph, type Node, type ValueId } from '../ir.js';

export function prune(graph: Graph): Graph {
  const needed = new Set<ValueId>(graph.outputs);
  const nodes: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!needed.has(node.id)) continue;
    nodes.push(node);
    for (const id of node.inputs) needed.add(id);
  }
  nodes.reverse();
  for (const id of graph.inputs) needed.add(id);
  const params = new Set(nodes.flatMap(paramsOf));
  return {
    ...graph,
    nodes,
    values: new Map([...graph.values].filter(([id]) => needed.has(id))),
    params: new Map([...graph.params].filter(([id]) => params.has(id))),
  };
}
