/**
 * Float 2-D convolution (cross-correlation), NHWC * OHWI -> NHWC with zero padding, summed in double:
 * `y[n, oy, ox, o] = bias[o] + sum x[n, oy * s - p + ky * d, ox * s - p + kx * d, i] * w[o, ky, kx, i]`
 */
import type { Kernel } from '../types.js';
import { forEachTap } from './window.js';

export const conv2d: Kernel<'conv2d'> = {
  op: 'conv2d',
  name: 'float-conv2d-reference',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, w, bias, y, outChannels } = g;
    const depth = g.inChannels / g.groups;
    const sums = memory.allocate('float64', y.length);
    return () => {
      for (let out = 0; out < sums.length; out++) sums[out] = bias === null ? 0 : bias[out % outChannels];
      forEachTap(g, (out, cell, tap) => {
        let sum = 0;
        for (let i = 0; i < depth; i++) sum += x[cell + i] * w[tap + i];
        sums[out] += sum;
      });
      y.set(sums);
    };
  },
};
