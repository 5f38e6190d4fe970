/** Integer matrix product over pairs of weights (see pairs.ts). */
import type { Kernel } from '../types.js';
import { multiply } from './blocks.js';
import { Lines } from './operands.js';
import { initialSums, pairSink, WeightPairs } from './pairs.js';

export const qgemm: Kernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qs8w-gemm-3x4-f64-js',
  supports: ({ w, wZeroPoint }) => wZeroPoint === 0 && w instanceof Int8Array,
  prepare: ({ m, n, k, x, xZeroPoint, w, bias, requant, y }, memory) => {
    const a = new Lines(x, 0, k);
    const b = new WeightPairs(w, 0, n, k, memory);
    const initial = initialSums(w, 0, n, k, xZeroPoint, bias, 0, memory);
    const sink = pairSink(y, 0, n, n, k, initial, requant, memory);
    const columns = Math.ceil(n / 2);
    return () => multiply(m, columns, k, a, b, true, sink);
  },
};
