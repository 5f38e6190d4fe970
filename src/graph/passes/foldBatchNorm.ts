/**
 * Folds inference batch norm into the weights before it:
 * `w' = w * gamma / sqrt(var + eps)`, `b' = beta + (b - mean) * gamma / sqrt(var + eps)`
 * (Jacob et al. 2018, "Quantization and Training of Neural Networks", section 3.2).
 */
import { GraphError, NDArray } from '../../core/index.js';
import { isLayer, type Graph, type LayerNode, type Node, type Param, type ParamId } from '../ir.js';

function read(graph: Graph, id: ParamId): NDArray {
  const param = graph.params.get(id);
  if (param === undefined) throw new GraphError(`parameter ${id} is missing`);
  return param.array;
}

function foldLayer(graph: Graph, node: LayerNode, params: Map<ParamId, Param>): LayerNode {
  const bn = node.batchNorm;
  if (bn === null) return node;
  const weight = read(graph, node.weight);
  const [gamma, beta, mean, variance] = [bn.gamma, bn.beta, bn.mean, bn.variance].map(
    (id) => read(graph, id).data,
  );
  const bias = node.bias === null ? null : read(graph, node.bias).data;
  const channels = weight.shape[0];
  const per = weight.size / channels;
  const w = NDArray.like(weight);
  const b = NDArray.zeros([channels], 'float32');
  for (let c = 0; c < channels; c++) {
    const factor = gamma[c] / Math.sqrt(variance[c] + bn.eps);
    b.data[c] = beta[c] + ((bias?.[c] ?? 0) - mean[c]) * factor;
    for (let i = c * per; i < (c + 1) * per; i++) w.data[i] = weight.data[i] * factor;
  }
  const biasId = node.bias ?? `${node.id}.bias`;
  params.set(node.weight, { id: node.weight, array: w, qparams: null });
  params.set(biasId, { id: biasId, array: b, qparams: null });
  for (const id of [bn.gamma, bn.beta, bn.mean, bn.variance]) params.delete(id);
  return { ...node, bias: biasId, batchNorm: null };
}

/** A graph without batch norm on layers. Run {@link fuseBatchNorm} first. */
export function foldBatchNorm(graph: Graph): Graph {
  const params = new Map(graph.params);
  const nodes = graph.nodes.map((node): Node => (isLayer(node) ? foldLayer(graph, node, params) : node));
  return { ...graph, nodes, params };
}
