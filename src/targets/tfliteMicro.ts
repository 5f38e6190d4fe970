/** TensorFlow Lite for microcontrollers: the same specification, in fixed point, with fewer ops. */
import { FIXED_DOUBLE, FIXED_SINGLE, TFLITE_OUTPUTS } from './choices.js';
import { LITERT_SPEC, TFLM_LINEAR, TFLM_OPS, TFLM_REQUANTIZE } from './sources.js';
import { SPECIFIED, SPECIFIED_OPS } from './tflite.js';
import type { Target } from './types.js';

export const tfliteMicro: Target = {
  name: 'tflite-micro',
  title: 'TensorFlow Lite for microcontrollers',
  format: 'tflite',
  quantization: {
    ...SPECIFIED,
    weightBits: { takes: [8, 4], source: TFLM_LINEAR },
    numerics: { takes: [FIXED_DOUBLE, FIXED_SINGLE], source: TFLM_REQUANTIZE },
  },
  narrowWeights: LITERT_SPEC,
  fixedOutputs: TFLITE_OUTPUTS,
  integersOnly: null,
  staticShapes: TFLM_OPS,
  axes: null,
  saturation: null,
  floatBiases: null,
  ops: {
    ...SPECIFIED_OPS,
    reduce: { source: TFLM_OPS, functions: ['mean', 'sum', 'max'] },
    unary: {
      source: TFLM_OPS,
      functions: ['sigmoid', 'tanh', 'hardswish', 'silu', 'leakyRelu', 'elu', 'clip'],
    },
  },
  notes: [
    'rounding double is the default of the library, single what it does when built with TFLITE_SINGLE_ROUNDING',
    'weights of 4 bits: linear layers only with one scale',
  ],
};
