/**
 * Softmax over the rows of x [rows, columns], in double on the real values:
 * `p_j = exp(beta * sx * (q_j - max q)) / sum_k exp(beta * sx * (q_k - max q))`, `y_j = clamp(rne(p_j / sy) + zy)`.
 * TFLite fixes y to scale 1/256, zero point -128; its kernels differ from this by at most one step.
 */
import { clamp } from '../requantize.js';
import { roundHalfEven } from '../rounding.js';
import type { Kernel } from '../types.js';

export const qsoftmax: Kernel<'qsoftmax'> = {
  op: 'qsoftmax',
  name: 'q8-qsoftmax-reference',
  supports: () => true,
  prepare: ({ rows, columns, x, beta, min, max, y }) => {
    const factor = beta * Math.fround(x.scale);
    const outputScale = Math.fround(y.scale);
    // of every difference of two codes
    const powers = Float64Array.from({ length: 256 }, (_, d) => Math.exp(-factor * d));
    return () => {
      for (let start = 0; start < rows * columns; start += columns) {
        let largest = x.data[start];
        for (let j = 1; j < columns; j++) largest = Math.max(largest, x.data[start + j]);
        let sum = 0;
        for (let j = 0; j < columns; j++) sum += powers[largest - x.data[start + j]];
        for (let j = 0; j < columns; j++) {
          const p = powers[largest - x.data[start + j]] / sum;
          y.data[start + j] = clamp(roundHalfEven(p / outputScale) + y.zeroPoint, min, max);
        }
      }
    };
  },
};
