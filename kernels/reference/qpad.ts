/** Surrounds an array of any rank with one code: pads[axis] = [before, after]. Real zeros are the code zeroPoint. */
import type { Kernel } from '../types.js';

export const qpad: Kernel<'qpad'> = {
  op: 'qpad',
  name: 'x8-qpad-reference',
  supports: () => true,
  prepare: ({ shape, pads, x, value, y }) => {
    let next = 0;
    /** Copies the part of x under `axis`; `index` counts positions of y in units of the axes before. */
    const copy = (axis: number, index: number): void => {
      if (axis === shape.length) {
        y[index] = x[next++];
        return;
      }
      const [before, after] = pads[axis];
      const size = before + shape[axis] + after;
      for (let i = 0; i < shape[axis]; i++) copy(axis + 1, index * size + before + i);
    };
    return () => {
      y.fill(value);
      next = 0;
      copy(0, 0);
    };
  },
};
