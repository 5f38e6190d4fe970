/**
 * Gradient of a float convolution with respect to its input: every `dy` goes back to the cells it was made from.
 * `dx[n, oy * s - p + ky * d, ox * s - p + kx * d, i] = sum dy[n, oy, ox, o] * w[o, ky, kx, i]`, in double
 */
import type { Kernel } from '../../types.js';
import { forEachTap } from '../window.js';

export const conv2dInputGrad: Kernel<'conv2dInputGrad'> = {
  op: 'conv2dInputGrad',
  name: 'float-conv2dInputGrad-reference',
  supports: () => true,
  prepare: (g, memory) => {
    const { dy, w, dx } = g;
    const depth = g.inChannels / g.groups;
    const sums = memory.allocate('float64', dx.length);
    return () => {
      sums.fill(0);
      forEachTap(g, (out, cell, tap) => {
        for (let i = 0; i < depth; i++) sums[cell + i] += dy[out] * w[tap + i];
      });
      dx.set(sums);
    };
  },
};
