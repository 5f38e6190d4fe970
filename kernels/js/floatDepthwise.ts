/**
 * Float depthwise convolution (groups = input channels, any multiplier) and its gradients: direct loops over a padded
 * copy of one image at a time, channel by channel along each row of outputs.
 */
import type { ConvGeometry, Kernel } from '../types.js';
import { forwardAxes, PaddedImage } from './image.js';
import { type Phase, phases } from './phases.js';
import { correlate, sweep } from './sweep.js';

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

export const depthwiseFilterGrad: Kernel<'conv2dFilterGrad'> = {
  op: 'conv2dFilterGrad',
  name: 'float-dwconv2d-filter-grad-f64-js',
  supports: isDepthwise,
  prepare: (g, memory) => {
    const { dy, dw, inChannels, outChannels, outWidth } = g;
    const image = new PaddedImage(g.x, inChannels, ...forwardAxes(g), 0, memory);
    const taps = image.taps(0, 1, memory);
    const sums = memory.allocate('float64', dw.length);
    const row = memory.allocate('float64', outWidth * outChannels);
    const multiplier = outChannels / inChannels;
    const step = g.strideWidth * inChannels;
    return () => {
      image.reset();
      sums.fill(0);
      let read = 0;
      for (let n = 0; n < g.batch; n++) {
        const from = image.stage(n);
        for (let oy = 0; oy < g.outHeight; oy++) {
          for (let i = 0; i < row.length; i++) row[i] = dy[read++];
          const base = from + image.positions[oy * outWidth];
          for (let o = 0; o < outChannels; o++) {
            const cell = base + (multiplier === 1 ? o : Math.floor(o / multiplier));
            correlate(image.cells, cell, step, taps, row, o, outChannels, outWidth, sums, o * taps.length);
          }
        }
      }
      dw.set(sums);
    };
  },
};

export const depthwiseInputGrad: Kernel<'conv2dInputGrad'> = {
  op: 'conv2dInputGrad',
  name: 'float-dwconv2d-input-grad-f64-js',
  supports: (g) => isDepthwise(g) && g.outChannels === g.inChannels,
  prepare: (g, memory) => {
    const { w, dx, inChannels, inHeight, inWidth } = g;
    const kernelSize = g.kernelHeight * g.kernelWidth;
    const rows = phases(inHeight, g.outHeight, g.kernelHeight, g.strideHeight, g.dilationHeight, g.padTop);
    const columns = phases(inWidth, g.outWidth, g.kernelWidth, g.strideWidth, g.dilationWidth, g.padLeft);
    const row = memory.allocate('float64', inWidth * inChannels);

    const plan = (v: Phase, h: Phase) => {
      if (v.taps.length === 0 || h.taps.length === 0) return null;
      const image = new PaddedImage(g.dy, inChannels, v, h, 0, memory);
      const taps = image.taps(0, 1, memory);
      const order = v.kernel.flatMap((ky) => h.kernel.map((kx) => ky * g.kernelWidth + kx));
      return { v, h, image, taps, order, filter: memory.allocate('float64', taps.length * inChannels) };
    };
    const plans = rows.flatMap((v) => columns.map((h) => plan(v, h)));
    const everyCell = plans.every((p) => p !== null);

    return () => {
      if (!everyCell) dx.fill(0);
      for (const p of plans) {
        if (p === null) continue;
        const { v, h, image, taps, order, filter } = p;
        for (let c = 0; c < inChannels; c++) {
          for (let t = 0; t < order.length; t++) filter[c * order.length + t] = w[c * kernelSize + order[t]];
        }
        image.reset();
        for (let n = 0; n < g.batch; n++) {
          const from = image.stage(n);
          for (let y = 0; y < v.positions; y++) {
            const base = from + image.positions[y * h.positions];
            for (let c = 0; c < inChannels; c++)
              sweep(
                image.cells,
                base + c,
                inChannels,
                taps,
                filter,
                c * taps.length,
                row,
                c,
                inChannels,
                h.positions,
              );
            const first = ((n * inHeight + v.first + y * g.strideHeight) * inWidth + h.first) * inChannels;
            for (let x = 0; x < h.positions; x++) {
              const o = first + x * g.strideWidth * inChannels;
              for (let c = 0; c < inChannels; c++) dx[o + c] = row[x * inChannels + c];
            }
          }
        }
      }
    };
  },
};
