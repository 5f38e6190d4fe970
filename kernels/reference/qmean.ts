/** Mean over the middle axis of [outer, reduce, inner], see `averager`. ONNX ReduceMean and GlobalAveragePool, TFLite MEAN. */
import type { Kernel } from '../types.js';
import { averager } from './average.js';

export const qmean: Kernel<'qmean'> = {
  op: 'qmean',
  name: 'q8-qmean-reference',
  supports: () => true,
  prepare: (p) => {
    const { outer, reduce, inner, x, y } = p;
    const average = averager(p);
    return () => {
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++) {
          let sum = 0;
          for (let r = 0; r < reduce; r++) sum += x.data[(o * reduce + r) * inner + i];
          y.data[o * inner + i] = average(sum, reduce);
        }
      }
    };
  },
};
