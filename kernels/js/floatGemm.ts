/** Float matrix product: both operands packed into panels of doubles, one rounding at the end. */
import type { FloatArray, Kernel } from '../types.js';
import { blockSums, multiply, type Sink } from './blocks.js';
import { Columns, Lines } from './operands.js';

const sums = blockSums();

/**
 * A sink that writes row m to y[rowOffset + ...]: at start + m * stride, or at start + offsets[m]. Adds the bias of the
 * column, and what is there already when `accumulate`.
 */
export function floatSink(
  y: FloatArray,
  start: number,
  stride: number,
  offsets: Int32Array | null,
  bias: FloatArray | null,
  biasStart: number,
  accumulate: boolean,
): Sink {
  return (m0, rows, n0, columns, sumStride) => {
    for (let i = 0; i < rows; i++) {
      const m = m0 + i;
      const o = start + n0 + (offsets === null ? m * stride : offsets[m]);
      const s = i * sumStride;
      if (accumulate) for (let j = 0; j < columns; j++) sums[s + j] += y[o + j];
      if (bias === null) for (let j = 0; j < columns; j++) y[o + j] = sums[s + j];
      else for (let j = 0; j < columns; j++) y[o + j] = sums[s + j] + bias[biasStart + n0 + j];
    }
  };
}

export const gemm: Kernel<'gemm'> = {
  op: 'gemm',
  name: 'float-gemm-3x2-f64-js',
  supports: () => true,
  prepare: ({ m, n, k, a, b, transA, transB, bias, accumulate, c }) => {
    const left = transA ? new Columns(a, 0, m) : new Lines(a, 0, k);
    const right = transB ? new Lines(b, 0, k) : new Columns(b, 0, n);
    const sink = floatSink(c, 0, n, null, bias, 0, accumulate);
    return () => multiply(m, n, k, left, right, false, sink);
  },
};
