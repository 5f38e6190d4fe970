/** ONNX Runtime on processors: QDQ models, int8 activations and weights (S8S8). */
import { FLOAT } from './choices.js';
import { everyOp } from './constraints.js';
import { ONNX_DEQUANTIZE, ONNX_OPS, ORT_QUANTIZATION } from './sources.js';
import type { Target } from './types.js';

export const onnxruntime: Target = {
  name: 'onnxruntime',
  title: 'ONNX Runtime',
  format: 'onnx',
  quantization: {
    weightBits: { takes: [8, 7, 4], source: ONNX_DEQUANTIZE },
    activationBits: { takes: [8], source: ORT_QUANTIZATION },
    signed: { takes: [true, false], source: ORT_QUANTIZATION },
    symmetricActivations: { takes: [false, true], source: ORT_QUANTIZATION },
    granularity: { takes: ['per-channel', 'per-tensor'], source: ORT_QUANTIZATION },
    linearGranularity: { takes: ['per-channel', 'per-tensor'], source: ONNX_DEQUANTIZE },
    concat: { takes: ['free', 'equal'], source: null },
    numerics: { takes: [FLOAT], source: ONNX_OPS },
    bias: { takes: ['int32'], source: ONNX_OPS },
  },
  narrowWeights: null,
  fixedOutputs: null,
  integersOnly: null,
  staticShapes: null,
  axes: null,
  saturation: ORT_QUANTIZATION,
  floatBiases: null,
  ops: everyOp(ONNX_OPS),
  notes: [
    'write QDQ: models of QLinear ops with int8 activations are slow on x86-64',
    'on GPUs only int8 activations with int8 weights are taken',
  ],
};
