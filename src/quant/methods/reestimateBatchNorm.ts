/** Batch-norm re-estimation: the statistics that quantized layers have, in place of those of float or of training. */
import { noGrad } from '../../autograd/index.js';
import { QuantizationError } from '../../core/index.js';
import { isLayer } from '../../graph/index.js';
import { div, tidy } from '../../ops/index.js';
import { executeLayer } from '../../trace/index.js';
import type { GraphInputs } from '../inputs.js';
import { foldedWeights, perFilter, scaledWeights } from '../layer.js';
import type { QuantizedModule } from '../quantizedModule.js';
import { ChannelMoments } from './channelMoments.js';
import { eachLayer } from './eachLayer.js';

/** Share of its variance below which a channel is constant: rounding left it no weights. */
const CONSTANT = 1e-6;

/**
 * Sets running mean and variance of every batch norm to the mean and the unbiased variance, over all batches, of what its layer
 * computes from quantized inputs with quantized weights (Nagel et al. 2022, "Overcoming Oscillations in Quantization-Aware
 * Training", arXiv:2203.08086; Sun et al. 2019, "Hybrid 8-bit Floating Point Training"). Rounding changes both moments; and where
 * batch norm trains live at low bits, codes oscillate from step to step, and moving averages follow something that none of the
 * steps computes. Layer by layer, so that each sees the statistics of those before it. Not after a training that froze batch norm,
 * as `qatSchedule` does: weights and ranges have settled on the statistics that there were, and others cost accuracy.
 *
 * New statistics are new folded weights: the observers of the weights start afresh with them, learned scales per channel go along.
 * Ranges of activations stay. A channel that rounding leaves constant keeps its variance.
 *
 * @param module calibrated or trained, with batch norm; changed in place, left in eval mode with phase 'frozen'
 * @param batches typical inputs, of the training set
 * @throws QuantizationError where no layer has batch norm, for layers that share parameters, for a module that was not
 *   calibrated, and for no batch
 */
export function reestimateBatchNorm(
  module: QuantizedModule,
  batches: Iterable<GraphInputs>,
): QuantizedModule {
  if (!module.graph.nodes.some((node) => isLayer(node) && node.batchNorm !== null))
    throw new QuantizationError(
      'module: no layer has batch norm; prepare the network before it is folded away',
    );
  eachLayer(module, batches, ({ node, quantized }) => {
    const bn = node.batchNorm;
    if (bn === null) return;
    noGrad(() => {
      const quantizer = module.quantizer(node.weight)!;
      const moments = new ChannelMoments();
      tidy(() => {
        const { weight, factor } = scaledWeights(node, module);
        const w = div(quantizer.fakeQuantize(weight), perFilter(factor, weight.rank));
        const bias = node.bias === null ? null : module.tensor(node.bias);
        for (const x of quantized) tidy(() => moments.add(executeLayer(node, x, w, bias).value));
      });
      const variance = module.tensor(bn.variance).data;
      const before = variance.slice();
      module.tensor(bn.mean).data.set(moments.mean);
      // a constant channel would be divided by sqrt(eps): per tensor, its weights would set the scale of all
      variance.set(moments.variance().map((v, c) => (v > CONSTANT * before[c] ? v : before[c])));
      const factors = Float32Array.from(before, (v, c) => Math.sqrt((v + bn.eps) / (variance[c] + bn.eps)));
      quantizer.follow(foldedWeights(node, module).weight.value, factors);
    });
  });
  return module;
}
