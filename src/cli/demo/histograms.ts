/** Histograms for the report: what weights and activations look like, and the grid that their codes lie on. */
import { noGrad, type Tensor } from '../../autograd/index.js';
import type { NDArray, QParams } from '../../core/index.js';
import { isLayer } from '../../graph/index.js';
import type { QuantizedModule } from '../../quant/index.js';
import type { Histogram } from '../report/index.js';

const BINS = 80;

function histogram(title: string, kind: Histogram['kind'], values: Iterable<number>, qp: QParams): Histogram {
  const data = Float64Array.from(values);
  const low = data.reduce((a, b) => Math.min(a, b), Infinity);
  const high = data.reduce((a, b) => Math.max(a, b), -Infinity);
  const width = (high - low) / BINS || 1;
  const counts = new Array<number>(BINS).fill(0);
  for (const v of data) counts[Math.min(BINS - 1, Math.floor((v - low) / width))]++;
  return {
    title,
    kind,
    counts,
    edges: Array.from({ length: BINS + 1 }, (_, i) => low + i * width),
    grid: {
      scale: qp.scale[0],
      zeroPoint: qp.zeroPoint[0],
      quantMin: qp.quantMin,
      quantMax: qp.quantMax,
    },
  };
}

/** The first filter of a weight: per channel, one filter has one grid. */
function firstFilter(weight: NDArray, qp: QParams): Iterable<number> {
  return qp.axis === null ? weight.data : weight.data.subarray(0, weight.size / weight.shape[0]);
}

/** Weights of the layer with the largest filters, and, if wanted, activations of the first and the last layer, in float. */
export function modelHistograms(
  module: QuantizedModule,
  model: string,
  weightBits: number,
  x: Tensor,
  activations: boolean,
): Histogram[] {
  const layers = module.graph.nodes.filter(isLayer);
  const perFilter = (id: string): number => {
    const { size, shape } = module.tensor(id);
    return size / shape[0];
  };
  const widest = layers.reduce((a, b) => (perFilter(b.weight) > perFilter(a.weight) ? b : a));
  return noGrad(() => {
    const { weight, weightQParams } = module.resolveLayer(widest);
    const label = `${model} W${weightBits}A8`;
    const filter = firstFilter(weight.value, weightQParams);
    const out = [histogram(`${label}: weights of ${widest.id}, filter 0`, 'weight', filter, weightQParams)];
    if (!activations) return out;
    const phase = module.phase;
    module.phase = 'off';
    const values = module.runAll(new Map([[module.graph.inputs[0], x]]));
    module.phase = phase;
    for (const { id } of [layers[0], layers[layers.length - 1]])
      out.push(
        histogram(
          `${label}: activations of ${id}, in float`,
          'activation',
          values.get(id)!.data,
          module.valueQParams(id)!,
        ),
      );
    return out;
  });
}
