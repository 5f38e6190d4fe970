/**
 * Gradient of a float convolution with respect to its filters: every tap sums over the batch and the output positions.
 * `dw[o, ky, kx, i] = sum dy[n, oy, ox, o] * x[n, oy * s - p + ky * d, ox * s - p + kx * d, i]`, in double
 */
import type { Kernel } from '../../types.js';
import { forEachTap } from '../window.js';

export const conv2dFilterGrad: Kernel<'conv2dFilterGrad'> = {
  op: 'conv2dFilterGrad',
  name: 'float-conv2dFilterGrad-reference',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, dy, dw } = g;
    const depth = g.inChannels / g.groups;
    const sums = memory.allocate('float64', dw.length);
    return () => {
      sums.fill(0);
      forEachTap(g, (out, cell, tap) => {
        for (let i = 0; i < depth; i++) sums[tap + i] += dy[out] * x[cell + i];
      });
      dw.set(sums);
    };
  },
};
