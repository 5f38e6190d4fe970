/**
 * y = a + b or a - b of two quantized arrays.
 * - float: `clamp(rne(f32(f32((qa - za) * ma) ± f32((qb - zb) * mb))) + zy)`, ma = f32(sa / sy), mb = f32(sb / sy)
 * - fixed: TFLite's ADD and SUB, see `addMultipliers`
 */
import { ADD_LEFT_SHIFT, addMultipliers, clamp, multiplyByQuantizedMultiplier } from '../requantize.js';
import { roundHalfEven } from '../rounding.js';
import type { Kernel, OpParams } from '../types.js';
import { forEachPair } from './broadcast.js';

/** From (qa - za, qb - zb) to qy - zy, before the clamp. */
type Sum = (a: number, b: number) => number;

function floatSum({ a, b, y, subtract }: OpParams['qadd']): Sum {
  const outputScale = Math.fround(y.scale);
  const ma = Math.fround(Math.fround(a.scale) / outputScale);
  const mb = Math.fround(Math.fround(b.scale) / outputScale) * (subtract ? -1 : 1);
  return (qa, qb) => roundHalfEven(Math.fround(Math.fround(qa * ma) + Math.fround(qb * mb)));
}

function fixedSum({ a, b, y, subtract }: OpParams['qadd'], rounding: 'double' | 'single'): Sum {
  const m = addMultipliers(Math.fround(a.scale), Math.fround(b.scale), Math.fround(y.scale));
  const unit = 2 ** ADD_LEFT_SHIFT;
  return (qa, qb) => {
    const scaledA = multiplyByQuantizedMultiplier(qa * unit, m.a.multiplier, m.a.shift, rounding);
    const scaledB = multiplyByQuantizedMultiplier(qb * unit, m.b.multiplier, m.b.shift, rounding);
    const sum = subtract ? scaledA - scaledB : scaledA + scaledB;
    return multiplyByQuantizedMultiplier(sum, m.output.multiplier, m.output.shift, rounding);
  };
}

export const qadd: Kernel<'qadd'> = {
  op: 'qadd',
  name: 'q8-qadd-reference',
  supports: () => true,
  prepare: (p) => {
    const { a, b, y, min, max } = p;
    const sum = p.numerics === 'float' ? floatSum(p) : fixedSum(p, p.rounding);
    return () => {
      forEachPair(p.aShape, p.bShape, p.yShape, (i, ia, ib) => {
        y.data[i] = clamp(sum(a.data[ia] - a.zeroPoint, b.data[ib] - b.zeroPoint) + y.zeroPoint, min, max);
      });
    };
  },
};
