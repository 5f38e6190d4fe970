/** Integer convolution: implicit im2col of the raw codes, padded with the zero point, times pairs of weights. */
import type { Kernel } from '../types.js';
import { multiply } from './blocks.js';
import { forwardAxes, isPointwise, PaddedImage, PositionLines } from './image.js';
import { Lines } from './operands.js';
import { initialSums, pairSink, WeightPairs } from './pairs.js';

export const qconv2d: Kernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qs8w-conv2d-3x4-f64-js',
  supports: ({ w, wZeroPoint }) => wZeroPoint === 0 && w instanceof Int8Array,
  prepare: (g, memory) => {
    const { x, xZeroPoint, w, bias, requant, y, inChannels, outChannels } = g;
    const inner = inChannels / g.groups;
    const n = outChannels / g.groups;
    const m = g.batch * g.outHeight * g.outWidth;
    const k = g.kernelHeight * g.kernelWidth * inner;
    const columns = Math.ceil(n / 2);
    const image = isPointwise(g)
      ? null
      : new PaddedImage(x, inChannels, ...forwardAxes(g), xZeroPoint, memory);
    const jobs = Array.from({ length: g.groups }, (_, group) => {
      const o = group * n;
      const initial = initialSums(w, o * k, n, k, xZeroPoint, bias, o, memory);
      return {
        a:
          image === null
            ? new Lines(x, group * inner, inChannels)
            : new PositionLines(image, image.taps(group * inner, inner, memory)),
        b: new WeightPairs(w, o * k, n, k, memory),
        sink: pairSink(y, o, outChannels, n, k, initial, requant, memory),
      };
    });
    return () => {
      image?.reset();
      for (const { a, b, sink } of jobs) multiply(m, columns, k, a, b, true, sink);
    };
  },
};
