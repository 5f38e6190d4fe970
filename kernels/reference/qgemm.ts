/**
 * Integer matrix product: `y[m, n] = requantize(bias[n] + sum_k (x[m, k] - zx) * (w[n, k] - zw))`, the sums in int32.
 * ONNX MatMulInteger (requant null), QLinearMatMul, TFLite FULLY_CONNECTED.
 */
import { weightCodes } from '../int4.js';
import { applyRequantization } from '../requantize.js';
import type { Kernel } from '../types.js';

export const qgemm: Kernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qgemm-reference',
  supports: () => true,
  prepare: ({ m, n, k, x, xZeroPoint, wZeroPoint, bias, requant, y, ...p }) => {
    const w = weightCodes(p, n * k);
    return () => {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let acc = bias === null ? 0 : bias[j];
          for (let d = 0; d < k; d++) acc += (x[i * k + d] - xZeroPoint) * (w[j * k + d] - wZeroPoint);
          y[i * n + j] = requant === null ? acc : applyRequantization(acc, j, requant);
        }
      }
    };
  },
};
