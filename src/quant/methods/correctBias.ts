/** Bias correction: takes the mean error that quantization makes in each channel out of the biases. */
import { noGrad, type Tensor } from '../../autograd/index.js';
import { QuantizationError } from '../../core/index.js';
import type { LayerNode } from '../../graph/index.js';
import { fakeQuantize, tidy } from '../../ops/index.js';
import { executeLayer } from '../../trace/index.js';
import type { GraphInputs } from '../inputs.js';
import { foldedWeights, type LayerWeights } from '../layer.js';
import type { QuantizedModule } from '../quantizedModule.js';
import { ChannelMoments } from './channelMoments.js';
import { eachLayer } from './eachLayer.js';

/** Means, per channel, of what a layer computes before its clamp. */
function means(node: LayerNode, inputs: readonly Tensor[], { weight, bias }: LayerWeights): Float64Array {
  const moments = new ChannelMoments();
  for (const x of inputs) tidy(() => moments.add(executeLayer(node, x, weight, bias).value));
  return moments.mean;
}

/**
 * Empirical bias correction (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
 * arXiv:1906.04721, section 4.2, the empirical form). Rounded weights and clipped inputs shift the mean of a channel, above all in
 * depthwise layers, where few weights make one. Layer by layer, `b[c] += E[y[c]] - E[yq[c]]`, with y the float network's
 * value before the clamp and yq the quantized one's, whose earlier layers are corrected already. With batch norm it is beta
 * that changes.
 *
 * Ranges stay as they were calibrated, and so do weights and their codes, unless a bias grows beyond its room.
 *
 * @param module calibrated; changed in place, left in eval mode with phase 'frozen'
 * @param batches typical inputs, a few hundred in all; those of the calibration serve
 * @throws QuantizationError for a layer without a bias (see `addBiases`), for layers that share parameters, for a module that
 *   was not calibrated, and for no batch
 */
export function correctBias(module: QuantizedModule, batches: Iterable<GraphInputs>): QuantizedModule {
  const biasOf = (node: LayerNode): string | null => node.batchNorm?.beta ?? node.bias;
  eachLayer(
    module,
    batches,
    ({ node, float, quantized, reference }) => {
      noGrad(() => {
        const { weight, bias, weightQParams } = module.resolveLayer(node);
        const want = means(node, float, foldedWeights(node, reference));
        const have = means(node, quantized, { weight: fakeQuantize(weight, weightQParams), bias });
        const { data } = module.tensor(biasOf(node)!);
        want.forEach((m, c) => (data[c] += m - have[c]));
      });
    },
    (node) => {
      if (biasOf(node) === null)
        throw new QuantizationError(
          `${node.id}: has no bias that could be corrected; prepare(addBiases(graph), ...) gives it one`,
        );
    },
  );
  return module;
}
