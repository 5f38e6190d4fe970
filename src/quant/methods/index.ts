/** Post-training methods: each takes a graph or a calibrated module, and none knows of another. */
export { absorbBias } from './absorbBias.js';
export { adaround, type AdaRoundOptions, type RoundedLayer } from './adaround.js';
export { addBiases } from './addBiases.js';
export { correctBias } from './correctBias.js';
export { equalize, type EqualizeOptions } from './equalize.js';
export {
  allocateBits,
  macBits,
  mixedPrecision,
  storedBytes,
  type Allocation,
  type BitChoice,
  type BitCost,
  type LayerLoss,
  type MixedPrecisionOptions,
} from './mixedPrecision.js';
export { quantizeDynamic, type DynamicOptions } from './quantizeDynamic.js';
export { reestimateBatchNorm } from './reestimateBatchNorm.js';
