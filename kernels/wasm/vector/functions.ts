/** The functions of `map` on four elements. Operands that are integers arrive as four int32, masks are 0 and 1. */
import type { MapFunction } from '../../types.js';
import type { Local, Value } from '../assembler.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import { add, div, mul, sub } from '../instructions/f32x4.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';

type Vector = Value<'v128'>;
/** Takes a value that is used more than once into a local. */
type Keep = (v: Vector) => Local<'v128'>;
type Emit = (x: readonly Local<'v128'>[], s: readonly Local<'v128'>[], keep: Keep) => Vector[];

const number = (x: number): Vector => f32x4.splat(f32.const(x));
const unary =
  (f: (x: Vector) => Vector): Emit =>
  ([x]) => [f(x)];
const binary =
  (f: (a: Vector, b: Vector) => Vector): Emit =>
  ([a, b]) => [f(a, b)];
/** NaN stays NaN */
const clamp = (x: Vector, low: Vector, high: Vector): Vector => f32x4.pmin(f32x4.pmax(x, low), high);
const isInside = (x: Local<'v128'>, low: Vector, high: Vector): Vector =>
  v128.and(f32x4.ge(x, low), f32x4.le(x, high));
const codeInside = ([x, scale, low, high]: readonly Local<'v128'>[], keep: Keep): Vector =>
  isInside(keep(f32x4.nearest(div(x, scale))), low, high);
/** The code minus the zero point; + 0 makes a 0 of -0. */
const offset = ([x, scale, low, high]: readonly Local<'v128'>[], keep: Keep): Vector => {
  const v = keep(div(x, scale));
  return add(f32x4.nearest(clamp(v128.and(v, f32x4.eq(v, v)), low, high)), v128.zero());
};
/** all ones -> 1 */
const bit = (mask: Vector): Vector => i32x4.sub(v128.zero(), mask);

const adam: Emit = (
  [p, g, m, v, top],
  [keepShare, coupled, beta1, rest1, beta2, rest2, rate, unbias, eps],
  keep,
) => {
  const x = keep(mul(p, keepShare));
  const d = keep(add(g, mul(coupled, x)));
  const mi = keep(add(mul(beta1, m), mul(rest1, d)));
  const vi = keep(add(mul(beta2, v), mul(mul(rest2, d), d)));
  const largest = top === undefined ? vi : keep(f32x4.pmax(top, vi));
  const y = sub(x, div(mul(rate, mi), add(mul(f32x4.sqrt(largest), unbias), eps)));
  return [y, mi, vi, ...(top === undefined ? [] : [largest])];
};

export const FUNCTIONS: Readonly<Record<MapFunction, Emit>> = {
  relu: unary((x) => f32x4.pmax(x, v128.zero())),
  relu6: unary((x) => clamp(x, v128.zero(), number(6))),
  neg: unary(f32x4.neg),
  abs: unary(f32x4.abs),
  square: unary((x) => mul(x, x)),
  sqrt: unary(f32x4.sqrt),
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  maximum: binary(f32x4.max),
  minimum: binary(f32x4.min),
  share: binary((a, b) => sub(v128.andnot(number(1), f32x4.lt(a, b)), v128.and(number(0.5), f32x4.eq(a, b)))),
  addScaled: ([a, b], [s]) => [add(a, mul(s, b))],
  reluGrad: binary((g, y) => v128.andnot(g, f32x4.le(y, v128.zero()))),
  relu6Grad: binary((g, x) => v128.and(g, v128.and(f32x4.gt(x, v128.zero()), f32x4.lt(x, number(6))))),
  masked: binary((x, mask) => v128.and(x, i32x4.gt_s(mask, v128.zero()))),
  normalize: ([x, mean, scale, shift]) => [add(mul(sub(x, mean), scale), shift)],
  normalizeGrad: ([g, x, mean, a, b, c]) => [add(add(mul(g, a), mul(sub(x, mean), b)), c)],
  descend: ([p, g], [rate, decay]) => [sub(p, mul(rate, add(g, mul(decay, p))))],
  momentum: ([p, g, v], [rate, decay, momentum, fresh, a, b], keep) => {
    const d = keep(add(g, mul(decay, p)));
    const vi = keep(add(mul(momentum, v), mul(fresh, d)));
    return [sub(p, mul(rate, add(mul(a, d), mul(b, vi)))), vi];
  },
  adam,
  amsgrad: adam,
  fakeQuantize: (x, _, keep) => [mul(offset(x, keep), x[1])],
  fakeQuantizeGrad: ([g, ...x], _, keep) => [v128.and(g, codeInside(x, keep))],
  inside: (x, _, keep) => [bit(codeInside(x, keep))],
  quantize: (x, _, keep) => [i32x4.trunc_sat_f32x4_s(add(offset(x, keep), x[4]))],
  dequantize: ([q, scale, zeroPoint]) => [mul(sub(f32x4.convert_i32x4_s(q), zeroPoint), scale)],
  accumulated: ([acc, scale], [low, high]) => [clamp(mul(f32x4.convert_i32x4_s(acc), scale), low, high)],
  rescaled: ([acc, multiplier], [zeroPoint]) => [
    add(f32x4.nearest(mul(f32x4.convert_i32x4_s(acc), multiplier)), zeroPoint),
  ],
  requantized: ([q, acc, first, last], [zeroPoint, scale, min, max, quantMin, quantMax]) => [
    mul(sub(clamp(q, min, max), zeroPoint), scale),
    bit(v128.andnot(isInside(q, quantMin, quantMax), v128.or(i32x4.lt_s(acc, first), i32x4.gt_s(acc, last)))),
  ],
};
