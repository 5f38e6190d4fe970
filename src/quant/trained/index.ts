/** Quantizers that are trained. */
export { dorefa } from './dorefa.js';
export { lsq, lsqPlus } from './lsq.js';
export { pact } from './pact.js';
export type { QuantizerFactory, TrainedQuantizer, TrainedSpec } from './types.js';
