/** Which cells a sliding window covers. The four convolutions and the pools of the reference share these walks. */
import type { ConvGeometry, WindowGeometry } from '../types.js';

/** First tap of `origin + tap * dilation` at or after position 0. */
export function firstTap(origin: number, dilation: number): number {
  return origin >= 0 ? 0 : Math.ceil(-origin / dilation);
}

/** One past the last tap (of `taps`) before position `size`. Not above `firstTap` if the window misses the image. */
export function endTap(origin: number, dilation: number, taps: number, size: number): number {
  return Math.min(taps, Math.ceil((size - origin) / dilation));
}

/**
 * Visits the window of every output position in memory order: `rows` by `columns` cells lie inside the image. `cell` is the
 * position of the first of them in x, `tap` its place in the window; both are meaningless in an empty window.
 */
export function forEachWindow(
  g: WindowGeometry,
  visit: (position: number, cell: number, rows: number, columns: number, tap: number) => void,
): void {
  let position = 0;
  for (let n = 0; n < g.batch; n++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      const top = oy * g.strideHeight - g.padTop;
      const ky = firstTap(top, g.dilationHeight);
      const rows = endTap(top, g.dilationHeight, g.kernelHeight, g.inHeight) - ky;
      const row = (n * g.inHeight + top + ky * g.dilationHeight) * g.inWidth;
      for (let ox = 0; ox < g.outWidth; ox++, position++) {
        const left = ox * g.strideWidth - g.padLeft;
        const kx = firstTap(left, g.dilationWidth);
        const columns = endTap(left, g.dilationWidth, g.kernelWidth, g.inWidth) - kx;
        const cell = row + left + kx * g.dilationWidth;
        visit(position, cell, Math.max(0, rows), Math.max(0, columns), ky * g.kernelWidth + kx);
      }
    }
  }
}

/**
 * Visits every pair of an output element and a filter tap that lies inside the image, outputs in memory order.
 * `out` indexes y, `cell` the first channel of the output's group in x, `tap` the first channel of that tap in w; the
 * `inChannels / groups` values after `cell` and `tap` belong together.
 *
 * With loops of its own: on top of forEachWindow, a closure in a closure, a convolution takes 2 to 3 times as long.
 */
export function forEachTap(g: ConvGeometry, visit: (out: number, cell: number, tap: number) => void): void {
  const depth = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  let out = 0;
  for (let n = 0; n < g.batch; n++) {
    for (let oy = 0; oy < g.outHeight; oy++) {
      const top = oy * g.strideHeight - g.padTop;
      const kyFirst = firstTap(top, g.dilationHeight);
      const kyEnd = endTap(top, g.dilationHeight, g.kernelHeight, g.inHeight);
      for (let ox = 0; ox < g.outWidth; ox++) {
        const left = ox * g.strideWidth - g.padLeft;
        const kxFirst = firstTap(left, g.dilationWidth);
        const kxEnd = endTap(left, g.dilationWidth, g.kernelWidth, g.inWidth);
        for (let o = 0; o < g.outChannels; o++, out++) {
          const firstChannel = Math.floor(o / outPerGroup) * depth;
          for (let ky = kyFirst; ky < kyEnd; ky++) {
            const row = (n * g.inHeight + top + ky * g.dilationHeight) * g.inWidth + left;
            const filterRow = (o * g.kernelHeight + ky) * g.kernelWidth;
            for (let kx = kxFirst; kx < kxEnd; kx++)
              visit(
                out,
                (row + kx * g.dilationWidth) * g.inChannels + firstChannel,
                (filterRow + kx) * depth,
              );
          }
        }
      }
    }
  }
}

/** Visits every pair of an output element and a cell of its window inside the image: pooling, channel by channel. */
export function forEachCell(
  g: WindowGeometry,
  channels: number,
  visit: (out: number, cell: number) => void,
): void {
  forEachTap({ ...g, inChannels: channels, outChannels: channels, groups: channels }, visit);
}
