/** Cells of codes in another order: cell i of y is cell indices[i] of x. */
import type { Kernel } from '../types.js';

export const qgather: Kernel<'qgather'> = {
  op: 'qgather',
  name: 'x8-qgather-reference',
  supports: () => true,
  prepare:
    ({ cell, indices, x, y }) =>
    () => {
      for (let i = 0; i < y.length; i++) y[i] = x[indices[Math.floor(i / cell)] * cell + (i % cell)];
    },
};
