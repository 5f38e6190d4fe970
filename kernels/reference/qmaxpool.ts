/** Largest code of each window, clamped to [min, max]. Cells outside the image do not take part; x and y share qparams. */
import { clamp } from '../requantize.js';
import type { Kernel } from '../types.js';
import { forEachCell } from './window.js';

export const qmaxpool: Kernel<'qmaxpool'> = {
  op: 'qmaxpool',
  name: 'x8-qmaxpool-reference',
  supports: () => true,
  prepare: (g) => () => {
    const { x, y, min, max } = g;
    y.fill(min);
    forEachCell(g, g.channels, (out, cell) => {
      y[out] = clamp(x[cell], y[out], max);
    });
  },
};
