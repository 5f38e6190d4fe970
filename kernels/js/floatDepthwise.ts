/**
 * Float depthwise convolution (groups = input channels, any multiplier): direct loops over a padded copy of one image at
 * a time, channel by channel along each row of outputs.
 */
import type { ConvGeometry, Kernel } from '../types.js';
import { forwardAxes, PaddedImage } from './image.js';
import { sweep } from './sweep.js';

export const isDepthwise = (g: ConvGeometry): boolean => g.groups === g.inChannels && g.inChannels > 1;

export const depthwiseConv2d: Kernel<'conv2d'> = {
  op: 'conv2d',
  name: 'float-dwconv2d-f64-js',
  supports: isDepthwise,
  prepare: (g, memory) => {
    const { w, bias, y, inChannels, outChannels, outWidth } = g;
    const image = new PaddedImage(g.x, inChannels, ...forwardAxes(g), 0, memory);
    const taps = image.taps(0, 1, memory);
    const filter = memory.allocate('float64', w.length);
    const row = memory.allocate('float64', outWidth * outChannels);
    const multiplier = outChannels / inChannels;
    const step = g.strideWidth * inChannels;
    return () => {
      image.reset();
      filter.set(w);
      let written = 0;
      for (let n = 0; n < g.batch; n++) {
        const from = image.stage(n);
        for (let oy = 0; oy < g.outHeight; oy++) {
          const base = from + image.positions[oy * outWidth];
          for (let o = 0; o < outChannels; o++) {
            const cell = base + (multiplier === 1 ? o : Math.floor(o / multiplier));
            sweep(image.cells, cell, step, taps, filter, o * taps.length, row, o, outChannels, outWidth);
          }
          if (bias !== null) {
            for (let i = 0; i < row.length; i += outChannels) {
              for (let o = 0; o < outChannels; o++) row[i + o] += bias[o];
            }
          }
          for (let i = 0; i < row.length; i++) y[written++] = row[i];
        }
      }
    };
  },
};
