/** The Edge TPU of Coral: TFLite files for its compiler, which leaves to the processor what it does not take. */
import { FIXED_DOUBLE, FIXED_SINGLE, FLOAT, TFLITE_OUTPUTS } from './choices.js';
import {
  concatOfResults,
  denseOrDepthwise,
  equalDilation,
  linearOfOneRow,
  ops,
  padWithZeros,
  poolWithoutDilation,
  reduceWithinImage,
  resizeMayStay,
  sameScale,
  sliceEveryElement,
  softmaxOfOneRow,
} from './constraints.js';
import { AXIS_EDGE_TPU, CORAL_MODELS, LITERT_SPEC, TFL_OPS } from './sources.js';
import { SPECIFIED } from './tflite.js';
import type { Target } from './types.js';

export const edgetpu: Target = {
  name: 'edgetpu',
  title: 'Edge TPU (Coral)',
  format: 'tflite',
  quantization: {
    ...SPECIFIED,
    weightBits: { takes: [8], source: CORAL_MODELS },
    activationBits: { takes: [8], source: CORAL_MODELS },
    granularity: { takes: ['per-channel', 'per-tensor'], source: AXIS_EDGE_TPU },
    numerics: { takes: [FIXED_DOUBLE, FIXED_SINGLE, FLOAT], source: null },
  },
  narrowWeights: LITERT_SPEC,
  fixedOutputs: TFLITE_OUTPUTS,
  integersOnly: CORAL_MODELS,
  staticShapes: CORAL_MODELS,
  axes: { most: 3, source: CORAL_MODELS },
  saturation: null,
  floatBiases: null,
  ops: {
    ...ops(CORAL_MODELS, [
      'activation',
      'add',
      'constant',
      'globalAvgPool',
      'mul',
      'prelu',
      'quantize',
      'dequantize',
      'reshape',
      'sub',
      'transpose',
    ]),
    avgPool2d: { source: CORAL_MODELS, constraints: [sameScale(LITERT_SPEC)] },
    concat: { source: CORAL_MODELS, constraints: [concatOfResults(CORAL_MODELS)] },
    conv2d: {
      source: CORAL_MODELS,
      constraints: [equalDilation(CORAL_MODELS), denseOrDepthwise(CORAL_MODELS)],
    },
    linear: { source: CORAL_MODELS, constraints: [linearOfOneRow(CORAL_MODELS)] },
    maximum: { source: CORAL_MODELS, constraints: [sameScale(LITERT_SPEC)] },
    maxPool2d: { source: CORAL_MODELS, constraints: [poolWithoutDilation(TFL_OPS)] },
    minimum: { source: CORAL_MODELS, constraints: [sameScale(LITERT_SPEC)] },
    pad: { source: CORAL_MODELS, constraints: [padWithZeros(CORAL_MODELS)] },
    reduce: { source: CORAL_MODELS, constraints: [reduceWithinImage(CORAL_MODELS)] },
    resize: { source: CORAL_MODELS, constraints: [resizeMayStay(CORAL_MODELS)] },
    slice: { source: CORAL_MODELS, constraints: [sliceEveryElement(CORAL_MODELS)] },
    softmax: { source: CORAL_MODELS, constraints: [softmaxOfOneRow(16_000, CORAL_MODELS)] },
    unary: { source: CORAL_MODELS, functions: ['sigmoid', 'tanh', 'silu'] },
  },
  notes: [
    'no activation may be fused into a pool or a concatenation: write it as an op of its own',
    'after the first op that the compiler does not take, everything runs on the processor',
    'reshapes of large tensors may stay on the processor; no size is documented',
  ],
};
