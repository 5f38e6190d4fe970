/** `q = clamp(rne(f32(x / scale)) + zeroPoint)`, x [outer, channels, inner] (ONNX QuantizeLinear). NaN gives zeroPoint. */
import { clamp } from '../requantize.js';
import { roundHalfEven } from '../rounding.js';
import type { Kernel } from '../types.js';

export const quantize: Kernel<'quantize'> = {
  op: 'quantize',
  name: 'f32-q8-quantize-reference',
  supports: () => true,
  prepare:
    ({ outer, channels, inner, x, scale, zeroPoint, min, max, y }) =>
    () => {
      for (let i = 0; i < outer * channels * inner; i++) {
        const c = scale.length === 1 ? 0 : Math.floor(i / inner) % channels;
        const code = roundHalfEven(Math.fround(x[i] / scale[c])) + zeroPoint[c];
        y[i] = Number.isNaN(code) ? zeroPoint[c] : clamp(code, min, max);
      }
    },
};
