/**
 * Integer matrix product: `y[m, n] = requantize(bias[n] + sum_k (x[m, k] - zx) * (w[n, k] - zw))`, the sums in int32.
 * ONNX MatMulInteger (requant null), QLinearMatMul, TFLite FULLY_CONNECTED.
 */
import { applyRequantization } from '../requantize.js';
import type { Kernel } from '../types.js';

export const qgemm: Kernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qgemm-reference',
  supports: () => true,
  prepare:
    ({ m, n, k, x, xZeroPoint, w, wZeroPoint, bias, requant, y }) =>
    () => {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let acc = bias === null ? 0 : bias[j];
          for (let p = 0; p < k; p++) acc += (x[i * k + p] - xZeroPoint) * (w[j * k + p] - wZeroPoint);
          y[i * n + j] = requant === null ? acc : applyRequantization(acc, j, requant);
        }
      }
    },
};
