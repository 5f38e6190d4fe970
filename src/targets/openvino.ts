/** OpenVINO: ONNX files with QDQ, which become its FakeQuantize. */
import { FLOAT } from './choices.js';
import { everyOp } from './constraints.js';
import { OPENVINO_FLOW, OPENVINO_OPS, OPENVINO_RULES, OPENVINO_SATURATION } from './sources.js';
import type { Target } from './types.js';

export const openvino: Target = {
  name: 'openvino',
  title: 'OpenVINO',
  format: 'onnx',
  quantization: {
    weightBits: { takes: [8, 7], source: OPENVINO_SATURATION },
    activationBits: { takes: [8], source: OPENVINO_SATURATION },
    signed: { takes: [true, false], source: OPENVINO_RULES },
    symmetricActivations: { takes: [false, true], source: OPENVINO_FLOW },
    granularity: { takes: ['per-channel', 'per-tensor'], source: OPENVINO_RULES },
    linearGranularity: { takes: ['per-channel', 'per-tensor'], source: OPENVINO_RULES },
    concat: { takes: ['free', 'equal'], source: OPENVINO_RULES },
    numerics: { takes: [FLOAT], source: OPENVINO_RULES },
    bias: { takes: ['int32'], source: null },
  },
  narrowWeights: null,
  fixedOutputs: null,
  integersOnly: null,
  staticShapes: null,
  axes: null,
  saturation: OPENVINO_SATURATION,
  floatBiases: null,
  ops: everyOp(OPENVINO_OPS),
  notes: [
    'symmetric activations are its performance preset, the default here its mixed preset',
    'bias and output of the network may be float; whether codes agree bit for bit depends on the plugin',
  ],
};
