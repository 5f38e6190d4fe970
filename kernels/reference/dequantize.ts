/** `x = f32((q - zeroPoint) * scale)`, q [outer, channels, inner] (ONNX DequantizeLinear). int32 bias included. */
import type { Kernel } from '../types.js';

export const dequantize: Kernel<'dequantize'> = {
  op: 'dequantize',
  name: 'q8-f32-dequantize-reference',
  supports: () => true,
  prepare:
    ({ outer, channels, inner, x, scale, zeroPoint, y }) =>
    () => {
      for (let i = 0; i < outer * channels * inner; i++) {
        const c = scale.length === 1 ? 0 : Math.floor(i / inner) % channels;
        y[i] = (x[i] - zeroPoint[c]) * scale[c];
      }
    },
};
