/**
 * Dynamic quantization of linear layers: weights become codes ahead of time, inputs when the network runs, in the range that
 * they have then (PyTorch's quantize_dynamic, ONNX Runtime's of the same name; "dynamic" as against static ranges in Gholami et
 * al. 2021, "A Survey of Quantization Methods for Efficient Neural Network Inference", arXiv:2103.13630). It needs no calibration.
 * What lies between the layers stays in float.
 */
import { QuantizationError, quantRange, type NDArray } from '../../core/index.js';
import {
  foldBatchNorm,
  fuseLayers,
  requireFloat,
  rewrite,
  type Graph,
  type ValueId,
} from '../../graph/index.js';
import { quantizeArray } from '../../ops/index.js';
import { minMax } from '../observers/index.js';
import { choose, GRANULARITY, type Granularity } from '../qconfig.js';

export interface DynamicOptions {
  /** Scales of weights: one per output (default), or one per layer. */
  granularity?: Granularity;
  /** The layers that stay in float, by their names in the graph (as `printGraph` shows them). */
  float?: readonly ValueId[];
}

const RANGE = quantRange(8, { narrow: true });
/** Beyond it, a sum of products of 255 and 127 can leave int32. */
const MAX_INPUTS = Math.floor((2 ** 31 - 1) / (255 * 127));

/**
 * The graph with 8-bit weights in its linear layers, batch norm folded. It runs as float graphs do, in a `GraphModule`, has no
 * gradients, and is a model file or an ONNX file like others. One range serves all rows of a batch.
 *
 * @throws QuantizationError for an integer graph, where no layer is linear, for a name in `float` that is no linear layer, and
 *   for a layer with more inputs than int32 sums allow
 */
export function quantizeDynamic(graph: Graph, options: DynamicOptions = {}): Graph {
  const { float = [] } = options;
  const granularity = choose('granularity', options.granularity, GRANULARITY);
  requireFloat(graph);
  const folded = foldBatchNorm(fuseLayers(graph));
  const layers = folded.nodes.filter(({ op }) => op === 'linear').map(({ id }) => id);
  if (layers.length === 0)
    throw new QuantizationError(
      'graph: it has no linear layer, which alone are quantized dynamically; use prepare() and calibrate()',
    );
  const unknown = float.find((id) => !layers.includes(id));
  if (unknown !== undefined)
    throw new QuantizationError(`float: ${unknown} is no linear layer; there are ${layers.join(', ')}`);

  const axis = granularity === 'per-channel' ? 0 : null;
  const codes = (array: NDArray, name: string) => {
    const observer = minMax()({ ...RANGE, symmetric: true, axis, name });
    observer.observe(array);
    const qparams = observer.qparams();
    return { array: quantizeArray(array, qparams), qparams };
  };
  return rewrite(folded, (node, { build, once }) => {
    if (node.op !== 'linear' || float.includes(node.id)) return null;
    const { id, inputs, weight, bias, activation } = node;
    const array = build.array(weight);
    if (array.shape[1] > MAX_INPUTS)
      throw new QuantizationError(
        `${id}: it has ${array.shape[1]} inputs, and sums of more than ${MAX_INPUTS} products can leave int32; name it in float`,
      );
    // a weight that two layers share stays one
    const quantized = once(weight, () => {
      const { array: data, qparams } = codes(array, weight);
      return build.param(`${weight}.int8`, data, qparams);
    });
    return { op: 'dynamicLinear', inputs, weight: quantized, bias, activation };
  });
}
