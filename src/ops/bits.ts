/** float32 as its bits: for positive numbers they are ordered as the numbers are, and masks take the place of branches. */
import type { FloatArray } from '../core/index.js';

/** The bits of +Infinity; larger ones, without the sign, are NaN. */
export const INFINITY_BITS = 0x7f800000;

/** The same memory as 32-bit integers. */
export function bitsOf(a: FloatArray): Int32Array {
  return new Int32Array(a.buffer, a.byteOffset, a.length);
}
