/** Where the error of one node comes from: each source alone, everything else in float. */
import { Tensor } from '../../autograd/index.js';
import { NDArray, type QParams } from '../../core/index.js';
import { isLayer, type LayerNode, type Node } from '../../graph/index.js';
import { fakeQuantize } from '../../ops/index.js';
import { channelLayout } from '../../ops/quantize.js';
import { accumulatorScale, quantizeBias } from '../../ops/quantizedLayer.js';
import type { QuantizedModule } from '../../quant/index.js';
import { foldedWeights } from '../../quant/layer.js';
import { activate, executeLayer, type GraphModule } from '../../trace/index.js';

export const SOURCES = [
  'weight rounding',
  'weight clipping',
  'input rounding',
  'input clipping',
  'bias rounding',
  'output rounding',
  'output clipping',
] as const;
export type Source = (typeof SOURCES)[number];

/** What a node gives with one source on, from the float values that it reads and the float value that it gives. */
export type Perturbation = (inputs: readonly Tensor[], output: Tensor) => Tensor;

/** To the nearest code, as if there were codes without end. */
function rounded(x: Tensor, qparams: QParams): Tensor {
  return fakeQuantize(x, { ...qparams, dtype: 'int32', quantMin: -(2 ** 30), quantMax: 2 ** 30 });
}

/** To the range of the codes, without rounding. */
function clipped({ value }: Tensor, { scale, zeroPoint, quantMin, quantMax, axis }: QParams): Tensor {
  const { inner, channels } = channelLayout(value.shape, axis);
  const low = scale.map((s, c) => (quantMin - zeroPoint[c]) * s);
  const high = scale.map((s, c) => (quantMax - zeroPoint[c]) * s);
  const data = Float32Array.from(value.data);
  for (let i = 0, at = 0; at < data.length; i++)
    for (const [c, end] = [i % channels, at + inner]; at < end; at++)
      data[at] = data[at] < low[c] ? low[c] : data[at] > high[c] ? high[c] : data[at];
  return new Tensor(new NDArray(data, value.shape));
}

const EFFECTS = { rounding: rounded, clipping: clipped } as const;
const effects = Object.keys(EFFECTS) as (keyof typeof EFFECTS)[];

/** The sources that a node of a calibrated module has. */
export function perturbations(
  node: Node | null,
  id: string,
  module: QuantizedModule,
  float: GraphModule,
): Map<Source, Perturbation> {
  const found = new Map<Source, Perturbation>();
  if (node !== null) {
    const reads = node.inputs.map((input) => module.valueQParams(input));
    if (node.op !== 'constant' && reads.some((qparams) => qparams !== null))
      for (const effect of effects)
        found.set(`input ${effect}`, (xs) => {
          const changed = xs.map((x, i) => (reads[i] === null ? x : EFFECTS[effect](x, reads[i])));
          return float.runNode(node, changed);
        });
    if (isLayer(node)) layerSources(node, module, float).forEach((run, source) => found.set(source, run));
  }
  const output = module.valueQParams(id);
  if (output !== null)
    for (const effect of effects) found.set(`output ${effect}`, (_, y) => EFFECTS[effect](y, output));
  return found;
}

function layerSources(
  node: LayerNode,
  module: QuantizedModule,
  float: GraphModule,
): Map<Source, Perturbation> {
  const { weight, bias } = foldedWeights(node, float);
  const { weightQParams } = module.resolveLayer(node);
  const run =
    (w: Tensor, b: Tensor | null): Perturbation =>
    ([x]) =>
      activate(executeLayer(node, x, w, b), node.activation);
  const found = new Map<Source, Perturbation>();
  for (const effect of effects)
    found.set(`weight ${effect}`, run(EFFECTS[effect](weight, weightQParams), bias));
  const input = module.valueQParams(node.inputs[0]);
  if (bias === null || input === null || module.config.bias === 'float') return found;
  const scale = accumulatorScale(input, weightQParams);
  const codes = quantizeBias(bias.data, scale);
  const real = Float32Array.from(codes, (code, c) => code * scale[scale.length === 1 ? 0 : c]);
  return found.set('bias rounding', run(weight, new Tensor(new NDArray(real, bias.shape))));
}
