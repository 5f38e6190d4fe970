/**
 * From one set of qparams to another, `y = clamp(round((q - zx) * sx / sy) + zy)`; equal qparams leave a clamp.
 * - float: `clamp(rne(f32((q - zx) * m)) + zy)`, m = f32(sx / sy)
 * - fixed: TFLite's QUANTIZE from int8 to int8, the quantized multiplier of sx / sy
 */
import { applyRequantization, buildRequantization } from '../requantize.js';
import type { Kernel, Numerics, QuantizedArray } from '../types.js';

/** Code of x to code of y. */
export function requantizer(
  p: Numerics & { readonly min: number; readonly max: number },
  x: QuantizedArray,
  y: QuantizedArray,
): (code: number) => number {
  const requant = buildRequantization(p, {
    inputScale: x.scale,
    weightScale: Float32Array.of(1),
    outputScale: y.scale,
    zeroPoint: y.zeroPoint,
    min: p.min,
    max: p.max,
  });
  return (code) => applyRequantization(code - x.zeroPoint, 0, requant);
}

export const qrequantize: Kernel<'qrequantize'> = {
  op: 'qrequantize',
  name: 'q8-qrequantize-reference',
  supports: () => true,
  prepare: (p) => {
    const { x, y } = p;
    const toY = requantizer(p, x, y);
    return () => {
      for (let i = 0; i < y.data.length; i++) y.data[i] = toY(x.data[i]);
    };
  },
};
