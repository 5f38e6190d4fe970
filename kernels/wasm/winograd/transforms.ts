/**
 * The transforms of F(4x4, 3x3): a tile of 4x4 outputs from 36 products instead of 144.
 *
 * Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016, arXiv:1509.09308), section 4.3, at the
 * points 0, a, -a, b, -b and infinity: y = A^T [(G w G^T) * (B^T x B)] A. Integers take the paper's a = 1 and b = 2, where
 * B^T is whole. G has fractions, so they use 24 G with the factors of 4 that can be left out until A^T:
 *
 *     24 G = diag(1, 4, 4, 1, 1, 4) W,   W = [6 0 0] [-1 -1 -1] [-1 1 -1] [1 2 4] [1 -2 4] [0 0 6]
 *
 * Float32 takes a = 3/4 and b = 3/2, whose powers are closer to 1: a third of the error (16 channels of normally
 * distributed values: 1.1e-6 instead of 3.8e-6 of the largest output).
 *
 * Why the integers are exact. With codes of 8 bits minus their zero point, |x| <= 255 and |w| <= 255:
 * - B^T x B: rows of B^T have absolute sums of at most 10, so values stay within 100 * 255 = 25,500: int16.
 * - W w W^T: rows of W have absolute sums of at most 7, so values stay within 49 * 255 = 12,495: int16.
 * - A pair of products stays below 2^31. From there everything is additions and multiplications modulo 2^32, so
 *   intermediate overflow does not matter: the outputs are 24 * 24 * y = 9 * 2^6 * y modulo 2^32.
 * - 9 is odd: multiplying with its inverse modulo 2^32 leaves 2^6 * y modulo 2^32. Where -2^25 <= y < 2^25, that is
 *   2^6 * y itself, and an arithmetic shift gives y. `y` is the sum of products without the bias.
 */
import type { Func, Value } from '../assembler.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32x4 from '../instructions/i32x4.js';

/** Input tile and output tile, per side. */
export const TILE = 6;
export const OUT = 4;
export const POINTS = TILE * TILE;

/** Sums of products that integers recover lie in [-EXACT, EXACT). */
export const EXACT = 2 ** 25;
/** 1/9 modulo 2^32 */
export const INVERSE_OF_9 = 954437177;
/** 2^6 is the rest of 24 * 24. */
export const SHIFT = 6;

type V = Value<'v128'>;

/** What lanes of a type do: sums, and products with the points and their squares. */
type Arithmetic = Readonly<
  Record<'add' | 'sub', (a: V, b: V) => V> & Record<'a' | 'aa' | 'b' | 'bb', (v: V) => V>
>;

/** Of 32 or of 16 bits. */
export function integers(wide: boolean): Arithmetic {
  const [add, sub, shl] = wide ? [i32x4.add, i32x4.sub, i32x4.shl] : [i16x8.add, i16x8.sub, i16x8.shl];
  const same = (v: V): V => v;
  return { add, sub, a: same, aa: same, b: (v) => shl(v, 1), bb: (v) => shl(v, 2) };
}

const [A, B] = [3 / 4, 3 / 2];

/** Takes its constants into locals. */
export function floats(f: Func, a = A, b = B): Arithmetic {
  const times = (k: number): ((v: V) => V) => {
    const factor = f.local('v128', f32x4.splat(f32.const(k)));
    return (v) => f32x4.mul(v, factor);
  };
  return { add: f32x4.add, sub: f32x4.sub, a: times(a), aa: times(a * a), b: times(b), bb: times(b * b) };
}

type Store = (i: number, v: V) => void;

/** B^T of six vectors. */
export function inputTransform(f: Func, n: Arithmetic, d: readonly V[], store: Store): void {
  const { add, sub } = n;
  const of = (v: V): V => f.local('v128', v);
  const r = of(sub(d[4], n.aa(d[2])));
  const s = of(n.b(sub(d[3], n.aa(d[1]))));
  const p = of(sub(d[4], n.bb(d[2])));
  const q = of(n.a(sub(d[3], n.bb(d[1]))));
  store(0, add(n.bb(sub(n.aa(d[0]), d[2])), r));
  store(1, add(p, q));
  store(2, sub(p, q));
  store(3, add(r, s));
  store(4, sub(r, s));
  store(5, sub(sub(d[5], n.aa(d[3])), n.b(s)));
}

/** A^T of six vectors. @param whole for weights that went through W instead of G */
export function outputTransform(f: Func, n: Arithmetic, m: readonly V[], whole: boolean, store: Store): void {
  const { add, sub } = n;
  const of = (v: V): V => f.local('v128', v);
  const rest = (v: V): V => (whole ? n.bb(v) : v);
  const p = of(rest(add(m[1], m[2])));
  const q = of(rest(n.a(sub(m[1], m[2]))));
  const r = of(add(m[3], m[4]));
  const s = of(n.b(sub(m[3], m[4])));
  store(0, add(add(m[0], p), r));
  store(1, add(q, s));
  store(2, add(n.aa(p), n.bb(r)));
  store(3, add(add(n.aa(q), n.bb(s)), rest(m[5])));
}

/** G, or W, of three vectors of float32; whole numbers stay exact. */
export function weightTransform(f: Func, w: readonly V[], whole: boolean, store: Store): void {
  const [a, b] = whole ? [1, 2] : [A, B];
  const n = floats(f, a, b);
  const { add, sub } = n;
  const factor = (k: number, v: V): V => f32x4.mul(v, f32x4.splat(f32.const(whole ? 24 * k : k)));
  // W leaves 4 out of the second, third and last row
  const rest = whole ? 4 : 1;
  const difference = 2 * (a * a - b * b);
  const odd = [n.a(w[1]), n.b(w[1])].map((v) => f.local('v128', v));
  const even = [n.aa(w[2]), n.bb(w[2])].map((v) => f.local('v128', add(w[0], v)));
  const atA = 1 / (a * a * difference * rest);
  const atB = -1 / (b * b * difference);
  store(0, factor(1 / (a * a * b * b), w[0]));
  store(1, factor(atA, add(even[0], odd[0])));
  store(2, factor(atA, sub(even[0], odd[0])));
  store(3, factor(atB, add(even[1], odd[1])));
  store(4, factor(atB, sub(even[1], odd[1])));
  store(5, factor(1 / rest, w[2]));
}
