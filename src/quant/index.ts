/** Observers, quantization-aware training, post-training quantization, conversion to integers. */
export { annotate } from './annotate.js';
export { calibrate } from './calibrate.js';
export { convert, inputCodes, type ConvertOptions } from './convert.js';
export { compareCodes, type CodeComparison, type CompareOptions } from './exactness.js';
export { type GraphInputs } from './inputs.js';
export * from './observers/index.js';
export { prepare } from './prepare.js';
export {
  ptqConfig,
  qatConfig,
  withBits,
  type Granularity,
  type LayerBits,
  type QConfig,
  type QConfigOptions,
  type TensorConfig,
} from './qconfig.js';
export * from './qparams.js';
export type { QSpec } from './qspec.js';
export { QuantizedModule, type Phase, type QuantizationState } from './quantizedModule.js';
export { Quantizer } from './quantizer.js';
export { observedRanges } from './ranges.js';
export { qatSchedule, type QatSchedule } from './schedule.js';
export * from './trained/index.js';
