/** Float convolution as matrix products over an implicit im2col (see image.ts), group by group. */
import type { ConvGeometry, Kernel } from '../types.js';
import { multiply } from './blocks.js';
import { floatSink } from './floatGemm.js';
import { forwardAxes, isPointwise, PaddedImage, PositionLines } from './image.js';
import { Lines } from './operands.js';

export const groupsOf = (g: ConvGeometry): number[] => Array.from({ length: g.groups }, (_, i) => i);

/** y[positions, O] = im2col(x)[positions, taps] * w[O, taps]^T */
export const conv2d: Kernel<'conv2d'> = {
  op: 'conv2d',
  name: 'float-conv2d-3x2-f64-js',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, w, bias, y, inChannels, outChannels } = g;
    const inner = inChannels / g.groups;
    const outer = outChannels / g.groups;
    const m = g.batch * g.outHeight * g.outWidth;
    const k = g.kernelHeight * g.kernelWidth * inner;
    const image = isPointwise(g) ? null : new PaddedImage(x, inChannels, ...forwardAxes(g), 0, memory);
    const jobs = groupsOf(g).map((group) => ({
      a:
        image === null
          ? new Lines(x, group * inner, inChannels)
          : new PositionLines(image, image.taps(group * inner, inner, memory)),
      b: new Lines(w, group * outer * k, k),
      sink: floatSink(y, group * outer, outChannels, null, bias, group * outer, false),
    }));
    return () => {
      image?.reset();
      for (const { a, b, sink } of jobs) multiply(m, outer, k, a, b, false, sink);
    };
  },
};
