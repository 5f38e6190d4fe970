/** High-bias absorption: moves what a ReLU never clips from the values between two layers into the bias of the second. */
import { noGrad, type Tensor } from '../../autograd/index.js';
import { ArgumentError, NDArray } from '../../core/index.js';
import {
  foldBatchNorm,
  fuseLayers,
  requireFloat,
  type Graph,
  type LayerNode,
  type Param,
} from '../../graph/index.js';
import { tidy } from '../../ops/index.js';
import { executeLayer, GraphModule } from '../../trace/index.js';
import { localInputs, type GraphInputs } from '../inputs.js';
import { ChannelMoments } from './channelMoments.js';
import { inputChannel, layerPairs } from './pairs.js';

/** Values beyond this many standard deviations below the mean may be clipped. */
const DEVIATIONS = 3;

/** Nothing but pixels: where zeros are padded, a shift would not be the same everywhere. */
const unpadded = (node: LayerNode): boolean => node.op === 'linear' || node.padding.every((p) => p === 0);

/**
 * Bias absorption (Nagel et al. 2019, arXiv:1906.04721, section 4.1.3). Equalization can leave channels whose values are all
 * large: `relu(x - c) = relu(x) - c` where `x >= c`, so `c = max(0, mean - 3 deviations)` of channel i before the ReLU leaves
 * the bias of the first layer, and the second gets what its weights make of it, `b += sum w c`. Values then need less range.
 * The network changes where a value is below its c, about one in a thousand of normal ones. Mean and deviation are those on
 * `batches`, where the paper takes them from batch norm. For a ReLU on a layer that has a bias, right before a linear layer or a
 * convolution without padding.
 *
 * @returns a new graph, fused and folded as {@link equalize} gives it
 * @throws ArgumentError for no batch, QuantizationError for an integer graph, GraphError where batch norm cannot be folded
 */
export function absorbBias(graph: Graph, batches: Iterable<GraphInputs>): Graph {
  requireFloat(graph);
  const source = foldBatchNorm(fuseLayers(graph));
  const inputs = [...batches];
  if (inputs.length === 0)
    throw new ArgumentError('batches: there are none; give at least one batch of typical inputs');
  const params = new Map(source.params);
  const pairs = layerPairs(source, () => false).filter(
    ({ first, second }) => first.activation === 'relu' && first.bias !== null && unpadded(second),
  );
  const seconds = new Map(pairs.map(({ first, second }) => [second.id, { first, second }]));
  const network = new GraphModule(source).eval();
  const moments = new Map(pairs.map(({ first }) => [first.id, new ChannelMoments()]));
  for (const x of inputs)
    tidy(() =>
      noGrad(() => {
        const values = network.runAll(localInputs(source, x));
        for (const { first } of pairs) {
          const [weight, bias] = [first.weight, first.bias!].map((id) => network.tensor(id));
          const y: Tensor = executeLayer(first, values.get(first.inputs[0])!, weight, bias);
          moments.get(first.id)!.add(y.value);
        }
      }),
    );
  const set = (id: string, data: Float64Array): void =>
    void params.set(id, {
      id,
      array: new NDArray(Float32Array.from(data), [data.length]),
      qparams: null,
    } satisfies Param);
  const biasOf = (id: string | null, size: number): Float64Array =>
    id === null ? new Float64Array(size) : Float64Array.from(params.get(id)!.array.data);
  const nodes = source.nodes.map((node) => {
    const pair = seconds.get(node.id);
    if (pair === undefined) return node;
    const { first, second } = pair;
    const { mean } = moments.get(first.id)!;
    const variance = moments.get(first.id)!.variance();
    const c = mean.map((m, i) => Math.max(0, m - DEVIATIONS * Math.sqrt(variance[i])));
    const weight = params.get(second.weight)!.array;
    const channelOf = inputChannel(second, weight.shape, c.length);
    const perFilter = weight.size / weight.shape[0];
    const bias = biasOf(second.bias, weight.shape[0]);
    weight.data.forEach((w, i) => (bias[Math.floor(i / perFilter)] += w * c[channelOf(i)]));
    const id = second.bias ?? `${second.id}.bias`;
    set(
      first.bias!,
      biasOf(first.bias, c.length).map((b, i) => b - c[i]),
    );
    set(id, bias);
    return { ...second, bias: id };
  });
  return { ...source, nodes, params };
}
