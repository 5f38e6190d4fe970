/** Pooling of codes, window by window with the channels innermost. */
import { averager } from '../reference/average.js';
import { forEachWindow } from '../reference/window.js';
import type { CodeArray, Kernel, WindowGeometry } from '../types.js';

/**
 * Calls `cell(x)` with the index of the first channel of every cell inside the window of output pixel `out`, then
 * `done(out, cells)`: out counts pixels.
 */
function forEachPool(
  g: WindowGeometry,
  channels: number,
  cell: (x: number) => void,
  done: (out: number, cells: number) => void,
): void {
  forEachWindow(g, (out, first, rows, columns) => {
    for (let ky = 0; ky < rows; ky++)
      for (let kx = 0; kx < columns; kx++)
        cell((first + ky * g.dilationHeight * g.inWidth + kx * g.dilationWidth) * channels);
    done(out, rows * columns);
  });
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
    return () => forEachPool(g, channels, cell, done);
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
    return () => forEachPool(p, channels, cell, done);
  },
};

function add(sums: Int32Array, x: CodeArray, i: number): void {
  for (let c = 0; c < sums.length; c++) sums[c] += x[i + c];
}
