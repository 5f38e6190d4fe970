/**
 * y = a + b or a - b of two quantized arrays.
 * - float: `clamp(rne(f32(f32((qa - za) * ma) ± f32((qb - zb) * mb))) + zy)`, ma = f32(sa / sy), mb = f32(sb / sy)
 * - fixed: TFLite's ADD and SUB, see `addMultipliers`
 */
import {
  ADD_LEFT_SHIFT,
  addMultipliers,
  applyRequantization,
  multiplyByQuantizedMultiplier,
  type QuantizedMultiplier,
} from '../requantize.js';
import type { Kernel, OpParams } from '../types.js';
import { forEachPair, type ScaledOperands } from './broadcast.js';

/** The two terms, of which the sum is requantized. */
export function terms(p: OpParams['qadd']): ScaledOperands {
  const { a, b, y, min, max } = p;
  const [sa, sb, sy] = [a, b, y].map(({ scale }) => Math.fround(scale));
  const sign = p.subtract ? -1 : 1;
  const range = { zeroPoint: y.zeroPoint, min, max };
  if (p.numerics === 'float') {
    const ma = Math.fround(sa / sy);
    const mb = sign * Math.fround(sb / sy);
    return {
      a: (code) => Math.fround((code - a.zeroPoint) * ma),
      b: (code) => Math.fround((code - b.zeroPoint) * mb),
      requant: { numerics: 'float', multiplier: Float32Array.of(1), ...range },
    };
  }
  const { rounding } = p;
  const m = addMultipliers(sa, sb, sy);
  const scaled = (q: number, { multiplier, shift }: QuantizedMultiplier): number =>
    multiplyByQuantizedMultiplier(q * 2 ** ADD_LEFT_SHIFT, multiplier, shift, rounding);
  const { multiplier, shift } = m.output;
  return {
    a: (code) => scaled(code - a.zeroPoint, m.a),
    b: (code) => sign * scaled(code - b.zeroPoint, m.b),
    requant: {
      numerics: 'fixed',
      rounding,
      multiplier: Int32Array.of(multiplier),
      shift: Int32Array.of(shift),
      ...range,
    },
  };
}

export const qadd: Kernel<'qadd'> = {
  op: 'qadd',
  name: 'q8-qadd-reference',
  supports: () => true,
  prepare: (p) => {
    const { a, b, requant } = terms(p);
    return () => {
      forEachPair(p.aShape, p.bShape, p.yShape, (i, ia, ib) => {
        p.y.data[i] = applyRequantization(a(p.a.data[ia]) + b(p.b.data[ib]), 0, requant);
      });
    };
  },
};
