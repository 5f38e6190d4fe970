/** Float matrix product: `c[m, n] = (accumulate ? c : 0) + bias[n] + sum_k op(a)[m, k] * op(b)[k, n]`, summed in double. */
import type { Kernel } from '../types.js';

export const gemm: Kernel<'gemm'> = {
  op: 'gemm',
  name: 'float-gemm-reference',
  supports: () => true,
  prepare:
    ({ m, n, k, a, b, transA, transB, bias, accumulate, c }) =>
    () => {
      const [aRow, aStep] = transA ? [1, m] : [k, 1];
      const [bColumn, bStep] = transB ? [k, 1] : [1, n];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = (accumulate ? c[i * n + j] : 0) + (bias === null ? 0 : bias[j]);
          for (let p = 0, ia = i * aRow, ib = j * bColumn; p < k; p++, ia += aStep, ib += bStep)
            sum += a[ia] * b[ib];
          c[i * n + j] = sum;
        }
      }
    },
};
