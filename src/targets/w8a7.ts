/** This library's own kernels for relaxed SIMD: unsigned activations of 7 bits, whose products cannot saturate. */
import { FIXED_DOUBLE, FIXED_SINGLE, FLOAT } from './choices.js';
import { opsWithout } from './constraints.js';
import { RELAXED_SIMD } from './sources.js';
import type { Target } from './types.js';

export const w8a7: Target = {
  name: 'w8a7',
  title: 'relaxed SIMD (Node 22, current browsers)',
  format: null,
  quantization: {
    weightBits: { takes: [8], source: RELAXED_SIMD },
    activationBits: { takes: [7], source: RELAXED_SIMD },
    signed: { takes: [false], source: RELAXED_SIMD },
    symmetricActivations: { takes: [false, true], source: null },
    granularity: { takes: ['per-channel', 'per-tensor'], source: null },
    linearGranularity: { takes: ['per-channel', 'per-tensor'], source: null },
    concat: { takes: ['free', 'equal'], source: null },
    numerics: { takes: [FLOAT, FIXED_DOUBLE, FIXED_SINGLE], source: null },
    bias: { takes: ['int32'], source: null },
  },
  narrowWeights: null,
  fixedOutputs: null,
  integersOnly: null,
  staticShapes: null,
  axes: null,
  saturation: null,
  floatBiases: null,
  ops: opsWithout(null, 'dynamicLinear', 'batchNorm', 'lookup', 'div', 'maximum', 'minimum', 'matmul'),
  notes: ['other engines compute the same codes at their usual speed'],
};
