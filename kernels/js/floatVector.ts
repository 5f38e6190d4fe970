/**
 * Float matrix times one vector (a linear layer at batch 1): every weight is used once, so that it is read where it lies
 * instead of being packed. Four rows of weights pass along the vector together.
 */
import type { FloatArray, Kernel } from '../types.js';

export const gemv: Kernel<'gemm'> = {
  op: 'gemm',
  name: 'float-gemv-4-f64-js',
  supports: ({ m, transB }) => m === 1 && transB,
  prepare: ({ n, k, a, b, bias, accumulate, c }, memory) => {
    const vector = memory.allocate('float64', k);
    const sums = memory.allocate('float64', n);
    return () => {
      vector.set(a);
      let j = 0;
      for (; j + 4 <= n; j += 4) dot4(vector, b, j * k, sums, j);
      for (; j < n; j++) sums[j] = dot(vector, b, j * k);
      if (accumulate) for (let i = 0; i < n; i++) sums[i] += c[i];
      if (bias !== null) for (let i = 0; i < n; i++) sums[i] += bias[i];
      c.set(sums);
    };
  },
};

function dot4(x: Float64Array, w: FloatArray, i0: number, out: Float64Array, o: number): void {
  const k = x.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i1 = (i0 + k) | 0;
  let i2 = (i1 + k) | 0;
  let i3 = (i2 + k) | 0;
  for (let p = 0; p < k; p++) {
    const v = x[p];
    s0 += v * w[i0];
    s1 += v * w[i1];
    s2 += v * w[i2];
    s3 += v * w[i3];
    i0 = (i0 + 1) | 0;
    i1 = (i1 + 1) | 0;
    i2 = (i2 + 1) | 0;
    i3 = (i3 + 1) | 0;
  }
  out[o] = s0;
  out[o + 1] = s1;
  out[o + 2] = s2;
  out[o + 3] = s3;
}

function dot(x: Float64Array, w: FloatArray, i: number): number {
  let sum = 0;
  for (let p = 0; p < x.length; p++) sum += x[p] * w[i + p];
  return sum;
}
