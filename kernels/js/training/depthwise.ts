/** The gradients of float depthwise convolution: direct loops as in floatDepthwise.ts. */
import type { Kernel } from '../../types.js';
import { isDepthwise } from '../floatDepthwise.js';
import { forwardAxes, PaddedImage } from '../image.js';
import { type Phase, phases } from './phases.js';
import { sweep } from '../sweep.js';

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

/** sums[si + t] += sum_p cells[ci + p * step + taps[t]] * dy[di + p * dyStep] */
function correlate(
  cells: Float64Array,
  ci: number,
  step: number,
  taps: Int32Array,
  dy: Float64Array,
  di: number,
  dyStep: number,
  count: number,
  sums: Float64Array,
  si: number,
): void {
  for (let t = 0; t < taps.length; t += 3) {
    const t1 = Math.min(t + 1, taps.length - 1);
    const t2 = Math.min(t + 2, taps.length - 1);
    let i0 = (ci + taps[t]) | 0;
    let i1 = (ci + taps[t1]) | 0;
    let i2 = (ci + taps[t2]) | 0;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    const end = (di + count * dyStep) | 0;
    for (let d = di; d < end; d = (d + dyStep) | 0) {
      const g = dy[d];
      s0 += cells[i0] * g;
      s1 += cells[i1] * g;
      s2 += cells[i2] * g;
      i0 = (i0 + step) | 0;
      i1 = (i1 + step) | 0;
      i2 = (i2 + step) | 0;
    }
    sums[si + t] += s0;
    if (t1 > t) sums[si + t1] += s1;
    if (t2 > t1) sums[si + t2] += s2;
  }
}
