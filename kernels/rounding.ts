/** The two roundings of quantized arithmetic. Math.round (half up) appears nowhere else in the project. */

/**
 * 1.5 * 2^52: adding it pushes the fraction of any |x| < 2^51 out of a double, which the hardware rounds half to even.
 */
const MAGIC = 6755399441055744;

/** Nearest integer, ties to even (IEEE 754, ONNX QuantizeLinear). Exact for |x| < 2^51; larger, NaN and Infinity pass through. */
export function roundHalfEven(x: number): number {
  return Math.abs(x) < 2251799813685248 ? x + MAGIC - MAGIC : x;
}

/** Nearest integer, ties away from zero (TFLite's reference, C's round). */
export function roundHalfAway(x: number): number {
  const t = Math.trunc(x);
  return Math.abs(x - t) >= 0.5 ? t + Math.sign(x) : t;
}
