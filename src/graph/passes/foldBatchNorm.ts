/**
 * Folds inference batch norm into the weights before it:
 * `w' = w * gamma / sqrt(var + eps)`, `b' = beta + (b - mean) * gamma / sqrt(var + eps)`
 * (Jacob et al. 2018, "Quantization and Training of Neural Networks", section 3.2).
 */
import { GraphError, NDArray } from '../../core/index.js';
import {
  isLayer,
  paramsOf,
  type BatchNormRef,
  type Graph,
  type LayerNode,
  type Node,
  type Param,
  type ParamId,
} from '../ir.js';

function param(graph: Graph, id: ParamId): Param {
  const found = graph.params.get(id);
  if (found === undefined) throw new GraphError(`parameter ${id} is missing`);
  return found;
}

type Place = (param: Param) => void;

function foldLayer(graph: Graph, node: LayerNode, bn: BatchNormRef, place: Place): LayerNode {
  const weight = param(graph, node.weight).array;
  const [gamma, beta, mean, variance] = [bn.gamma, bn.beta, bn.mean, bn.variance].map(
    (id) => param(graph, id).array.data,
  );
  const bias = node.bias === null ? null : param(graph, node.bias).array.data;
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
  place({ id: node.weight, array: w, qparams: null });
  place({ id: biasId, array: b, qparams: null });
  return { ...node, bias: biasId, batchNorm: null };
}

/**
 * A graph without batch norm on layers. Run {@link fuseBatchNorm} first.
 *
 * @throws GraphError when layers share a weight or bias that would have to hold different numbers
 */
export function foldBatchNorm(graph: Graph): Graph {
  const params = new Map<ParamId, Param>();
  const place: Place = (param) => {
    const { id, array } = param;
    if (params.get(id)?.array.data.some((v, i) => v !== array.data[i]))
      throw new GraphError(
        `${id}: layers share this parameter but their batch norms differ; give each layer its own`,
      );
    params.set(id, param);
  };
  const nodes = graph.nodes.map((node): Node => {
    if (isLayer(node) && node.batchNorm !== null) return foldLayer(graph, node, node.batchNorm, place);
    for (const id of paramsOf(node)) place(param(graph, id));
    return node;
  });
  return { ...graph, nodes, params };
}
