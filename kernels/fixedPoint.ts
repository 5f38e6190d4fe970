/**
 * Integer-only multiplication by a real number, as TFLite and TFLite Micro do it: a 31-bit multiplier and a shift.
 * Formulas: gemmlowp's fixedpoint.h and TFLite's kernels/internal/common.h and quantization_util.cc.
 */
import type { FixedRounding } from './types.js';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

export interface QuantizedMultiplier {
  /** In [2^30, 2^31), or 0 */
  readonly multiplier: number;
  /** real = multiplier * 2^(shift - 31) */
  readonly shift: number;
}

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** `x = fraction * 2^exponent` with |fraction| in [0.5, 1), exactly, for finite x other than 0 (C's frexp). */
export function frexp(x: number): { fraction: number; exponent: number } {
  float64[0] = x;
  let scaling = 0;
  if ((words[HIGH] & 0x7ff00000) === 0) {
    float64[0] = x * 2 ** 54; // subnormal
    scaling = 54;
  }
  const exponent = ((words[HIGH] >>> 20) & 0x7ff) - 1022;
  words[HIGH] = (words[HIGH] & 0x800fffff) | (1022 << 20);
  return { fraction: float64[0], exponent: exponent - scaling };
}

/**
 * The nearest `multiplier * 2^(shift - 31)` to a non-negative real. Rounds half up; a multiplier that rounds up to 2^31
 * becomes 2^30 with the next shift; reals below 2^-32 become 0.
 */
export function quantizeMultiplier(real: number): QuantizedMultiplier {
  if (real === 0) return { multiplier: 0, shift: 0 };
  const { fraction, exponent } = frexp(real);
  const multiplier = Math.floor(fraction * 2 ** 31 + 0.5);
  const result =
    multiplier === 2 ** 31 ? { multiplier: 2 ** 30, shift: exponent + 1 } : { multiplier, shift: exponent };
  return result.shift < -31 ? { multiplier: 0, shift: 0 } : result;
}

/** `a * b mod 2^31`, in [0, 2^31) */
function productLow(a: number, b: number): number {
  return Math.imul(a, b) & INT32_MAX;
}

/**
 * `floor(a * b / 2^31)` of two int32. The product needs 62 bits and a double holds 53, but its low 31 bits are known
 * exactly; without them the quotient is an integer and the double's is within 2^-20 of it.
 */
function productHigh(a: number, b: number, low: number): number {
  return Math.floor((a * b - low) / 2 ** 31 + 0.5);
}

/**
 * `round(a * b / 2^31)` of two int32 with ties upwards (gemmlowp adds 2^30, or 1 - 2^30 to a negative product, and
 * truncates: the same number). INT32_MIN * INT32_MIN saturates to INT32_MAX.
 */
export function saturatingRoundingDoublingHighMul(a: number, b: number): number {
  const low = productLow(a, b);
  return Math.min(productHigh(a, b, low) + (low >>> 30), INT32_MAX);
}

/** `x / 2^exponent` to nearest, ties away from zero; x int32, exponent in [0, 31] */
export function roundingDivideByPot(x: number, exponent: number): number {
  const mask = 2 ** exponent - 1;
  const threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

/**
 * x * multiplier * 2^(shift - 31), rounded:
 * - 'double' (TFLite's default): `roundingDivideByPot(srdhm(x * 2^max(shift, 0), multiplier), max(-shift, 0))`, where
 *   the left shift saturates to int32
 * - 'single' (TFLITE_SINGLE_ROUNDING): `floor((x * multiplier + 2^(30 - shift)) / 2^(31 - shift))`
 *
 * x int32, shift in [-31, 30]. The result leaves int32 if the real product does.
 */
export function multiplyByQuantizedMultiplier(
  x: number,
  multiplier: number,
  shift: number,
  rounding: FixedRounding,
): number {
  if (rounding === 'double') {
    const shifted = shift > 0 ? Math.max(INT32_MIN, Math.min(INT32_MAX, x * 2 ** shift)) : x;
    return roundingDivideByPot(
      saturatingRoundingDoublingHighMul(shifted, multiplier),
      shift < 0 ? -shift : 0,
    );
  }
  const low = productLow(x, multiplier);
  const high = productHigh(x, multiplier, low);
  if (shift < 0) return Math.floor((high + 2 ** (-1 - shift)) / 2 ** -shift);
  return high * 2 ** shift + Math.floor((low + 2 ** (30 - shift)) / 2 ** (31 - shift));
}

/** How far TFLite shifts the operands of an 8-bit ADD or SUB to the left before it rescales them. */
export const ADD_LEFT_SHIFT = 20;

/**
 * Multipliers of TFLite's int8 ADD and SUB. With t = 2 * max(sa, sb), in double:
 * `y = zy + (((qa - za) << 20) * (sa / t) ± ((qb - zb) << 20) * (sb / t)) * (t / (2^20 * sy))`
 */
export function addMultipliers(
  aScale: number,
  bScale: number,
  outputScale: number,
): { a: QuantizedMultiplier; b: QuantizedMultiplier; output: QuantizedMultiplier } {
  const twiceMax = 2 * Math.max(aScale, bScale);
  return {
    a: quantizeMultiplier(aScale / twiceMax),
    b: quantizeMultiplier(bScale / twiceMax),
    output: quantizeMultiplier(twiceMax / (2 ** ADD_LEFT_SHIFT * outputScale)),
  };
}
