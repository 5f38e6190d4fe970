/**
 * Integer depthwise convolution. Here two *outputs* share a double: a cell holds the codes of two image rows, half the
 * output height apart, as low + high * 2^27 (see pairs.ts for why that is exact), so that one multiplication by a weight
 * serves an output row in the upper and one in the lower half.
 */
import type { Kernel } from '../types.js';
import { isDepthwise } from './floatDepthwise.js';
import { forwardAxes, PaddedImage } from './image.js';
import { initialSums, MAX_PAIR_TERMS, requantizer, splitPairs, PAIR_SHIFT } from './pairs.js';
import { sweep } from './sweep.js';

const SHIFT = PAIR_SHIFT;

export const depthwiseQconv2d: Kernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qs8w-dwconv2d-f64-js',
  supports: (g) =>
    isDepthwise(g) &&
    g.wZeroPoint === 0 &&
    g.w instanceof Int8Array &&
    g.kernelHeight * g.kernelWidth <= MAX_PAIR_TERMS,
  prepare: (g, memory) => {
    const { w, y, inChannels, outChannels, outHeight, outWidth } = g;
    const image = new PaddedImage(g.x, inChannels, ...forwardAxes(g), g.xZeroPoint, memory);
    const taps = image.taps(0, 1, memory);
    const half = Math.ceil(outHeight / 2);
    // Rows of the upper half reach up to here; their partners lie `apart` cells further, if the image goes on.
    const apart = half < outHeight ? image.positions[half * outWidth] : image.size;
    const used = image.positions[half * outWidth - 1] + taps[taps.length - 1] + inChannels;
    const pairs = memory.allocate('float64', Math.min(used, image.size));
    const partners = Math.min(pairs.length, image.size - apart);
    const filter = memory.allocate('float64', w.length);
    filter.set(w);
    const initial = initialSums(w, 0, outChannels, taps.length, g.xZeroPoint, g.bias, 0, memory);
    const low = memory.allocate('float64', outWidth * outChannels);
    const high = memory.allocate('float64', outWidth * outChannels);
    const multiplier = outChannels / inChannels;
    const step = g.strideWidth * inChannels;
    const write = requantizer(y, initial, 0, g.requant);
    const size = outWidth * outChannels;
    return () => {
      image.reset();
      for (let n = 0; n < g.batch; n++) {
        joinRows(image.cells, image.stage(n), apart, partners, pairs);
        for (let oy = 0; oy < half; oy++) {
          const base = image.positions[oy * outWidth];
          for (let o = 0; o < outChannels; o++) {
            const cell = base + (multiplier === 1 ? o : Math.floor(o / multiplier));
            sweep(pairs, cell, step, taps, filter, o * taps.length, low, o, outChannels, outWidth);
          }
          splitPairs(low, high);
          const upper = (n * outHeight + oy) * size;
          for (let i = 0; i < size; i += outChannels) write(low, i, upper + i, outChannels, 0);
          if (oy + half >= outHeight) continue;
          const lower = upper + half * size;
          for (let i = 0; i < size; i += outChannels) write(high, i, lower + i, outChannels, 0);
        }
      }
    };
  },
};

/** pairs[i] = the cell at from + i and, while there is one, its partner `apart` cells further */
function joinRows(
  cells: Float64Array,
  from: number,
  apart: number,
  partners: number,
  pairs: Float64Array,
): void {
  for (let i = 0; i < partners; i++) pairs[i] = cells[from + i] + cells[from + i + apart] * SHIFT;
  for (let i = partners; i < pairs.length; i++) pairs[i] = cells[from + i];
}
