/** Qualcomm's NPU (HTP) through ONNX Runtime's QNN execution provider. */
import { FIXED_DOUBLE, FIXED_SINGLE, FLOAT } from './choices.js';
import { opsWithout } from './constraints.js';
import { ORT_QNN, ORT_QNN_LINEAR, ORT_QNN_PER_CHANNEL } from './sources.js';
import type { Target } from './types.js';

export const qnn: Target = {
  name: 'qnn',
  title: 'QNN (Snapdragon)',
  format: 'onnx',
  quantization: {
    weightBits: { takes: [8], source: ORT_QNN },
    activationBits: { takes: [8], source: ORT_QNN },
    signed: { takes: [false], source: ORT_QNN },
    symmetricActivations: { takes: [false, true], source: ORT_QNN },
    granularity: { takes: ['per-channel', 'per-tensor'], source: ORT_QNN_PER_CHANNEL },
    linearGranularity: { takes: ['per-tensor', 'per-channel'], source: ORT_QNN_LINEAR },
    concat: { takes: ['free', 'equal'], source: null },
    numerics: { takes: [FLOAT, FIXED_DOUBLE, FIXED_SINGLE], source: null },
    bias: { takes: ['int32'], source: ORT_QNN_PER_CHANNEL },
  },
  narrowWeights: null,
  fixedOutputs: null,
  integersOnly: ORT_QNN,
  staticShapes: ORT_QNN,
  axes: null,
  saturation: null,
  floatBiases: null,
  ops: {
    ...opsWithout(ORT_QNN, 'dynamicLinear', 'unary', 'lookup'),
    unary: {
      source: ORT_QNN,
      functions: [
        'sigmoid',
        'tanh',
        'hardswish',
        'hardsigmoid',
        'silu',
        'leakyRelu',
        'elu',
        'clip',
        'exp',
        'log',
        'sqrt',
        'pow',
        'abs',
        'neg',
      ],
    },
  },
  notes: [
    'a batch of any size has to be fixed when the file is written',
    'matrix products take weights as uint8, where zero point 128 stands for 0; weights with a scale per channel are int8',
  ],
};
