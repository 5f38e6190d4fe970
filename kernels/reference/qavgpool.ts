/**
 * Mean of each window, see `averager`: over the cells inside the image, or over the whole window with zx outside the
 * image when countIncludePad. ONNX AveragePool between QDQ, TFLite AVERAGE_POOL_2D.
 */
import type { Kernel } from '../types.js';
import { averager } from './average.js';
import { forEachCell } from './window.js';

export const qavgpool: Kernel<'qavgpool'> = {
  op: 'qavgpool',
  name: 'q8-qavgpool-reference',
  supports: () => true,
  prepare: (p, memory) => {
    const { x, y, countIncludePad } = p;
    const average = averager(p);
    const window = p.kernelHeight * p.kernelWidth;
    const sums = memory.allocate('int32', y.data.length);
    const counts = memory.allocate('int32', y.data.length);
    return () => {
      sums.fill(0);
      counts.fill(0);
      forEachCell(p, p.channels, (out, cell) => {
        sums[out] += x.data[cell];
        counts[out]++;
      });
      for (let i = 0; i < sums.length; i++) {
        y.data[i] = countIncludePad
          ? average(sums[i] + (window - counts[i]) * x.zeroPoint, window)
          : average(sums[i], counts[i]);
      }
    };
  },
};
