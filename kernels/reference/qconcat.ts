/** Joins arrays along an axis: inputs [outer, inner_i] side by side, each requantized to y's qparams (see qrequantize). */
import type { Kernel } from '../types.js';
import { requantizer } from './qrequantize.js';

export const qconcat: Kernel<'qconcat'> = {
  op: 'qconcat',
  name: 'q8-qconcat-reference',
  supports: () => true,
  prepare: (p) => {
    const { outer, inputs, y } = p;
    const converters = inputs.map((x) => requantizer(p, x, y));
    return () => {
      let out = 0;
      for (let o = 0; o < outer; o++) {
        inputs.forEach((x, k) => {
          for (let i = 0; i < x.inner; i++) y.data[out++] = converters[k](x.data[o * x.inner + i]);
        });
      }
    };
  },
};
