/**
 * The arithmetic of integer products: codes are widened to int16 with the zero point taken off while they are staged; a
 * 32-bit word holds two of them along the depth, and `i32x4.dot_i16x8_s` multiplies and adds them in pairs.
 */
import type { Module } from '../assembler.js';
import type { Target } from '../engine.js';
import { field } from '../igemm/context.js';
import { emitProduct, type Staging } from '../igemm/driver.js';
import { type Arithmetic, type Shape, shapeOf } from '../igemm/tile.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as i8x16 from '../instructions/i8x16.js';
import * as v128 from '../instructions/v128.js';
import { bytesOf, FixedRequantizer, FloatRequantizer, type OutputKind } from './requantize.js';

/** Sums of products of codes, and how they become the codes or sums of y. */
export function arithmetic(kind: OutputKind): Arithmetic {
  const bytes = bytesOf(kind);
  const madd: Arithmetic['madd'] = (sum, x, w) => i32x4.add(sum, i32x4.dot_i16x8_s(w, x));
  const [load, storeColumn] = bytes === 4 ? [i32.load, i32.store] : [i32.load8_u, i32.store8];
  const output: Arithmetic['output'] = (f, p) => {
    const constants = field(p.c, 'constants');
    if (kind === 'int32' || kind.startsWith('float')) {
      const requantizer = kind === 'int32' ? null : new FloatRequantizer(f, constants);
      const type = kind.endsWith('uint8') ? 'uint8' : 'int8';
      // not the multipliers themselves: they would take registers from the sums
      const multipliers = f.local('i32', i32.add(field(p.c, 'multiplier'), p.channel));
      return {
        bytes,
        temporaryBytes: bytes,
        scale: (sum, j) => requantizer?.codes(sum, v128.load(multipliers, 16 * j)) ?? sum,
        store: (to, sums) => {
          if (requantizer === null) sums.forEach((s, j) => f.emit(v128.store(to, s, 16 * j)));
          else
            for (let j = 0; j < sums.length; j += 2)
              f.emit(v128.store64_lane(to, requantizer.bytes(type, sums[j], sums[j + 1]), 0, 4 * j));
        },
        move: (to, from) => f.emit(storeColumn(to, load(from))),
      };
    }
    const requantizer = new FixedRequantizer(f, kind.startsWith('double') ? 'double' : 'single', constants);
    const shift = f.local('i32');
    return {
      bytes,
      temporaryBytes: 4,
      indirect: true,
      store: (to, sums) => sums.forEach((s, j) => f.emit(v128.store(to, s, 16 * j))),
      move: (to, from, channel) => {
        f.set(shift, i32.load(i32.add(field(p.c, 'shift'), channel)));
        const multiplier = i32.load(i32.add(field(p.c, 'multiplier'), channel));
        f.emit(i32.store8(to, requantizer.code(i32.load(from), multiplier, shift)));
      },
    };
  };
  return { madd, output };
}

/**
 * How codes are multiplied.
 * - wide: weights are widened when they are packed
 * - vector: for few rows, bound by the loads of the weights: 32 columns of one row, weights of 8 bits widened when loaded
 * - relaxed: weights of 8 bits by codes of 7, which stay as they are, with a relaxed instruction. That it leaves open
 *   whether the second operand is signed, and whether a sum of two products saturates, makes no difference to codes of
 *   [0, 127]: either way they are read the same, and 2 * 127 * 128 fits int16.
 */
export type Method = 'wide' | 'vector' | 'relaxed';

export const shapeOfMethod = (target: Target, method: Method): Shape =>
  method === 'vector' ? { rows: 1, vectors: 8, bytes: 2 } : shapeOf(target);

/** Exports `run` over strips. */
export function emitGemm(m: Module, target: Target, kind: OutputKind, signed: boolean, method: Method): void {
  const load = signed ? v128.load8x8_s : v128.load8x8_u;
  const relaxed = method === 'relaxed';
  const staging: Staging = relaxed
    ? { bytes: 16, load: (from) => v128.load(from), splatZeroPoint: i8x16.splat, keepsZeroPoint: true }
    : { bytes: 8, load: (from, zero) => i16x8.sub(load(from), zero), splatZeroPoint: i16x8.splat };
  const { madd, output } = arithmetic(kind);
  const by: Arithmetic = {
    output,
    shape: shapeOfMethod(target, method),
    loadColumns: method === 'vector' ? v128.load8x8_s : v128.load,
    operand: i16x8.splat(1),
    madd: relaxed ? (sum, x, w, ones) => madd(sum, i16x8.relaxed_dot_i8x16_i7x16_s(w, x), ones, ones) : madd,
  };
  emitProduct(m, target, by, staging, bytesOf(kind));
}
