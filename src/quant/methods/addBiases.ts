/** Gives every layer a bias, for methods that correct it. */
import { NDArray } from '../../core/index.js';
import { isLayer, requireFloat, type Graph, type Node } from '../../graph/index.js';

/**
 * The graph with a bias of zeros, [out], on each layer that has neither bias nor batch norm. It computes what it did.
 *
 * @throws QuantizationError for an integer graph
 */
export function addBiases(graph: Graph): Graph {
  requireFloat(graph);
  const params = new Map(graph.params);
  const nodes = graph.nodes.map((node): Node => {
    if (!isLayer(node) || node.bias !== null || node.batchNorm !== null) return node;
    const bias = `${node.id}.bias`;
    const [channels] = params.get(node.weight)!.array.shape;
    params.set(bias, { id: bias, array: NDArray.zeros([channels], 'float32'), qparams: null });
    return { ...node, bias };
  });
  return { ...graph, nodes, params };
}
