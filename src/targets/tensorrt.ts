/** TensorRT, on Jetson boards and other GPUs: explicit quantization from QDQ, symmetric throughout. */
import { FLOAT } from './choices.js';
import { opsWithout } from './constraints.js';
import { TENSORRT_BIAS, TENSORRT_OPS, TENSORRT_TOOLKIT, TENSORRT_TYPES } from './sources.js';
import type { Target } from './types.js';

export const tensorrt: Target = {
  name: 'tensorrt',
  title: 'TensorRT (Jetson)',
  format: 'onnx',
  quantization: {
    weightBits: { takes: [8], source: TENSORRT_TYPES },
    activationBits: { takes: [8], source: TENSORRT_TYPES },
    signed: { takes: [true], source: TENSORRT_TYPES },
    symmetricActivations: { takes: [true], source: TENSORRT_OPS },
    granularity: { takes: ['per-channel', 'per-tensor'], source: TENSORRT_TYPES },
    linearGranularity: { takes: ['per-channel', 'per-tensor'], source: TENSORRT_TYPES },
    concat: { takes: ['free', 'equal'], source: null },
    numerics: { takes: [FLOAT], source: TENSORRT_TYPES },
    bias: { takes: ['int32'], source: null },
  },
  narrowWeights: TENSORRT_TOOLKIT,
  fixedOutputs: null,
  integersOnly: null,
  staticShapes: null,
  axes: null,
  saturation: null,
  floatBiases: TENSORRT_BIAS,
  ops: opsWithout(TENSORRT_OPS, 'dynamicLinear'),
  notes: ['weights of 4 bits are for weight-only quantization there, not for 8-bit activations'],
};
