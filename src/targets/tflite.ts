/** TensorFlow Lite, now LiteRT, with the XNNPACK kernels: the 8-bit specification. */
import { FIXED_DOUBLE, FIXED_SINGLE, FLOAT, TFLITE_OUTPUTS } from './choices.js';
import { ops, poolWithoutDilation, sameScale } from './constraints.js';
import { LITERT_SPEC, TFLITE_CONCAT, TFL_OPS, XNNPACK_DELEGATE } from './sources.js';
import type { OpRules, QuantizationRules, Target } from './types.js';

/** What the specification says, for all who follow it. */
export const SPECIFIED: QuantizationRules = {
  weightBits: { takes: [8], source: LITERT_SPEC },
  activationBits: { takes: [8], source: LITERT_SPEC },
  signed: { takes: [true], source: LITERT_SPEC },
  symmetricActivations: { takes: [false, true], source: LITERT_SPEC },
  granularity: { takes: ['per-channel', 'per-tensor'], source: XNNPACK_DELEGATE },
  linearGranularity: { takes: ['per-tensor'], source: LITERT_SPEC },
  concat: { takes: ['equal'], source: TFLITE_CONCAT },
  numerics: { takes: [FLOAT, FIXED_DOUBLE, FIXED_SINGLE], source: null },
  bias: { takes: ['int32'], source: LITERT_SPEC },
};

/** Ops with an int8 form in the specification or the dialect. */
export const SPECIFIED_OPS = {
  ...ops(LITERT_SPEC, [
    'conv2d',
    'linear',
    'add',
    'sub',
    'mul',
    'globalAvgPool',
    'concat',
    'reshape',
    'transpose',
    'slice',
    'gather',
    'pad',
    'resize',
    'softmax',
    'quantize',
  ]),
  ...ops(TFL_OPS, ['activation', 'prelu', 'constant', 'dequantize']),
  maxPool2d: { source: LITERT_SPEC, constraints: [poolWithoutDilation(TFL_OPS)] },
  avgPool2d: { source: LITERT_SPEC, constraints: [sameScale(LITERT_SPEC)] },
  maximum: { source: LITERT_SPEC, constraints: [sameScale(LITERT_SPEC)] },
  minimum: { source: LITERT_SPEC, constraints: [sameScale(LITERT_SPEC)] },
  reduce: { source: TFL_OPS },
  unary: {
    source: TFL_OPS,
    functions: ['sigmoid', 'tanh', 'hardswish', 'silu', 'leakyRelu', 'elu', 'clip', 'exp', 'log', 'abs'],
  },
} as const satisfies OpRules;

export const tflite: Target = {
  name: 'tflite',
  title: 'LiteRT (TensorFlow Lite) with XNNPACK',
  format: 'tflite',
  quantization: { ...SPECIFIED, weightBits: { takes: [8, 4], source: TFL_OPS } },
  narrowWeights: LITERT_SPEC,
  fixedOutputs: TFLITE_OUTPUTS,
  integersOnly: null,
  staticShapes: XNNPACK_DELEGATE,
  axes: null,
  saturation: null,
  floatBiases: null,
  ops: { ...SPECIFIED_OPS, matmul: { source: TFL_OPS } },
  notes: [
    'convolutions always have a bias: write zeros where there is none',
    'numerics float is the arithmetic of XNNPACK, fixed that of the reference kernels; the results differ by a step now and then',
  ],
};
