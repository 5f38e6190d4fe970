/** Histograms for the report: what weights and activations look like, and the grid that their codes lie on. */
import { tensorHistogram } from '../../analysis/index.js';
import { noGrad, type Tensor } from '../../autograd/index.js';
import type { FloatNDArray, QParams } from '../../core/index.js';
import { isLayer } from '../../graph/index.js';
import type { QuantizedModule } from '../../quant/index.js';
import { histogramOf, type Histogram } from '../report/index.js';

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
    const draw = (what: string, kind: Histogram['kind'], x: Tensor, qparams: QParams): Histogram =>
      histogramOf(`${label}: ${what}`, kind, tensorHistogram(x.value as FloatNDArray, qparams))!;
    const out = [draw(`weights of ${widest.id}`, 'weight', weight, weightQParams)];
    if (!activations) return out;
    const phase = module.phase;
    module.phase = 'off';
    const values = module.runAll(new Map([[module.graph.inputs[0], x]]));
    module.phase = phase;
    for (const { id } of [layers[0], layers[layers.length - 1]])
      out.push(
        draw(`activations of ${id}, in float`, 'activation', values.get(id)!, module.valueQParams(id)!),
      );
    return out;
  });
}
