/** 16-bit floats of files, widened to float32. Both conversions are exact. */

/** One IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits), given as its 16 bits. */
export function halfToNumber(bits: number): number {
  const sign = (bits & 0x8000) !== 0 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE 754 binary16 -> float32. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, halfToNumber);
}

/** bfloat16 -> float32: the upper half of the float32 with the same value. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (b) => (b << 16) >>> 0).buffer);
}
