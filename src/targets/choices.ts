/** Choices that targets share: arithmetics, and the output scales of TensorFlow Lite. */
import type { Numerics } from '../graph/index.js';
import { LITERT_SPEC } from './sources.js';
import type { FixedOutputs } from './types.js';

export const FLOAT: Numerics = { numerics: 'float' };
export const FIXED_DOUBLE: Numerics = { numerics: 'fixed', rounding: 'double' };
export const FIXED_SINGLE: Numerics = { numerics: 'fixed', rounding: 'single' };

export const TFLITE_OUTPUTS: FixedOutputs = {
  values: {
    softmax: { scale: 1 / 256, zeroPoint: -128 },
    sigmoid: { scale: 1 / 256, zeroPoint: -128 },
    tanh: { scale: 1 / 128, zeroPoint: 0 },
  },
  source: LITERT_SPEC,
};
