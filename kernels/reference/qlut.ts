/** y = table[x - smallest code of x's type]: any unary function of one code. Tables come from `buildLut`. */
import { codeMin } from '../lut.js';
import type { Kernel } from '../types.js';

export const qlut: Kernel<'qlut'> = {
  op: 'qlut',
  name: 'x8-qlut-reference',
  supports: () => true,
  prepare:
    ({ x, channels = 1, table, y }) =>
    () => {
      const first = codeMin(x);
      for (let i = 0; i < y.length; i++) y[i] = table[(i % channels) * 256 + x[i] - first];
    },
};
