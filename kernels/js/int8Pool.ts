/** Pooling of codes, window by window with the channels innermost. */
import { averager } from '../reference/average.js';
import { endTap, firstTap } from '../reference/window.js';
import type { CodeArray, Kernel, WindowGeometry } from '../types.js';

/**
 * Calls `cell(x)` with the index of the first channel of every cell inside the window of output pixel `out`, then
 * `done(out, cells)`: out counts pixels.
 */
function forEachWindow(
  g: WindowGeometry,
  channels: number,
  cell: (x: number) => void,
  done: (out: number, cells: number) => void,
): void {
  let out = 0;
  for (let n = 0; n < g.batch; n++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      const top = oy * g.strideHeight - g.padTop;
      const y0 = firstTap(top, g.dilationHeight);
      const y1 = endTap(top, g.dilationHeight, g.kernelHeight, g.inHeight);
      for (let ox = 0; ox < g.outWidth; ox++, out++) {
        const left = ox * g.strideWidth - g.padLeft;
        const x0 = firstTap(left, g.dilationWidth);
        const x1 = endTap(left, g.dilationWidth, g.kernelWidth, g.inWidth);
        for (let ky = y0; ky < y1; ky++) {
          const row = (n * g.inHeight + top + ky * g.dilationHeight) * g.inWidth + left;
          for (let kx = x0; kx < x1; kx++) cell((row + kx * g.dilationWidth) * channels);
        }
        done(out, Math.max(0, y1 - y0) * Math.max(0, x1 - x0));
      }
    }
  }
}

export const qmaxpool: Kernel<'qmaxpool'> = {
  op: 'qmaxpool',
  name: 'x8-qmaxpool-js',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, y, min, max, channels } = g;
    const best = memory.allocate('int32', channels).fill(min);
    const cell = (i: number): void => raise(best, x, i);
    const done = (out: number): void => {
      for (let c = 0; c < channels; c++) y[out * channels + c] = best[c] > max ? max : best[c];
      best.fill(min);
    };
    return () => forEachWindow(g, channels, cell, done);
  },
};

function raise(best: Int32Array, x: CodeArray, i: number): void {
  for (let c = 0; c < best.length; c++) if (x[i + c] > best[c]) best[c] = x[i + c];
}

export const qavgpool: Kernel<'qavgpool'> = {
  op: 'qavgpool',
  name: 'q8-qavgpool-js',
  supports: () => true,
  prepare: (p, memory) => {
    const { x, y, channels, countIncludePad } = p;
    const average = averager(p);
    const window = p.kernelHeight * p.kernelWidth;
    const sums = memory.allocate('int32', channels);
    const cell = (i: number): void => add(sums, x.data, i);
    const done = (out: number, cells: number): void => {
      const count = countIncludePad ? window : cells;
      const padding = (count - cells) * x.zeroPoint;
      for (let c = 0; c < channels; c++) y.data[out * channels + c] = average(sums[c] + padding, count);
      sums.fill(0);
    };
    return () => forEachWindow(p, channels, cell, done);
  },
};

function add(sums: Int32Array, x: CodeArray, i: number): void {
  for (let c = 0; c < sums.length; c++) sums[c] += x[i + c];
}
