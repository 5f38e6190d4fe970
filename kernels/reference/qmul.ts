/**
 * y = a * b of two quantized arrays: the exact integer product `(qa - za) * (qb - zb)`, requantized.
 * - float: `clamp(rne(f32((qa - za) * (qb - zb) * m)) + zy)`, m = f32(f32(sa * sb) / sy)
 * - fixed: TFLite's MUL, the quantized multiplier of sa * sb / sy
 */
import { applyRequantization, buildRequantization } from '../requantize.js';
import type { BinaryParams, Kernel } from '../types.js';
import { forEachPair, type ScaledOperands } from './broadcast.js';

/** The two factors, of which the product is requantized. */
export function factors(p: BinaryParams): ScaledOperands {
  const { a, b, y, min, max } = p;
  const requant = buildRequantization(p, {
    inputScale: a.scale,
    weightScale: Float32Array.of(b.scale),
    outputScale: y.scale,
    zeroPoint: y.zeroPoint,
    min,
    max,
  });
  return { a: (code) => code - a.zeroPoint, b: (code) => code - b.zeroPoint, requant };
}

export const qmul: Kernel<'qmul'> = {
  op: 'qmul',
  name: 'q8-qmul-reference',
  supports: () => true,
  prepare: (p) => {
    const { a, b, requant } = factors(p);
    return () => {
      forEachPair(p.aShape, p.bShape, p.yShape, (i, ia, ib) => {
        p.y.data[i] = applyRequantization(a(p.a.data[ia]) * b(p.b.data[ib]), 0, requant);
      });
    };
  },
};
