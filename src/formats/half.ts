/** 16-bit floats of files: widened to float32, which is exact, and narrowed again, half to even. */

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) -> float32. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) {
    const half = bits[i];
    const exponent = half & 0x7c00;
    const sign = (half & 0x8000) << 16;
    if (exponent === 0) out[i] = (half & 0x3ff) * (sign === 0 ? 2 ** -24 : -(2 ** -24));
    else
      words[i] =
        sign | (exponent === 0x7c00 ? 0x7f800000 : (exponent << 13) + 0x38000000) | ((half & 0x3ff) << 13);
  }
  return out;
}

/** bfloat16 -> float32: the upper half of the float32 with the same value. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < out.length; i++) out[i] = bits[i] << 16;
  return new Float32Array(out.buffer);
}

/** float32 -> IEEE 754 binary16. What lies beyond 65504 by half a step or more becomes infinite. */
export function narrowFloat16(values: Float32Array): Uint16Array {
  return narrow(values, (bits, value) => {
    const magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return 0x7e00;
    if (magnitude >= 0x47800000) return 0x7c00;
    // Below 2^-14 steps are of 2^-24, which is the step of float32 from 0.5 to 1.
    if (magnitude < 0x38800000) return bitsOf(Math.abs(value) + 0.5) - 0x3f000000;
    return (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
  });
}

/** float32 -> bfloat16. */
export function narrowBfloat16(values: Float32Array): Uint16Array {
  return narrow(values, (bits) => {
    const magnitude = bits & 0x7fffffff;
    return magnitude > 0x7f800000 ? 0x7fc0 : (magnitude + 0x7fff + ((magnitude >>> 16) & 1)) >>> 16;
  });
}

/** Narrows magnitudes; the sign stands at the top of both forms. */
function narrow(values: Float32Array, magnitude: (bits: number, value: number) => number): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const bits = bitsOf(values[i]);
    out[i] = ((bits >>> 16) & 0x8000) | magnitude(bits, values[i]);
  }
  return out;
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);
function bitsOf(value: number): number {
  float[0] = value;
  return word[0];
}
