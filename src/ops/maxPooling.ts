/** The loops of max pooling over NHWC, for sliding and adaptive windows alike. */
import { NDArray, type FloatArray } from '../core/index.js';
import { floats } from './checks.js';
import type { Taps } from './taps.js';

/**
 * The largest element of each window. `winners`, where given, receives its index in the H * W plane. Ties go to the
 * first element in row-major order and NaN wins, as in PyTorch.
 */
export function maxPoolForward(x: NDArray, rows: Taps, columns: Taps, winners: Int32Array | null): NDArray {
  const [batch, height, width, channels] = x.shape;
  const y = NDArray.zeros([batch, rows.start.length, columns.start.length, channels], x.dtype);
  const from = floats(x);
  const to = floats(y);
  let out = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.start.length; i++)
      for (let j = 0; j < columns.start.length; j++) {
        let first = true;
        for (let r = rows.start[i]; r < rows.end[i]; r += rows.step)
          for (let s = columns.start[j]; s < columns.end[j]; s += columns.step) {
            const place = r * width + s;
            const at = (n * height * width + place) * channels;
            if (first) copyTap(from, at, to, out, channels, winners, place);
            else if (winners === null) maxTap(from, at, to, out, channels);
            else maxTapWithIndex(from, at, to, out, channels, winners, place);
            first = false;
          }
        out += channels;
      }
  return y;
}

function copyTap(
  x: FloatArray,
  at: number,
  y: FloatArray,
  out: number,
  channels: number,
  winners: Int32Array | null,
  place: number,
): void {
  for (let c = 0; c < channels; c++) y[out + c] = x[at + c];
  if (winners !== null) for (let c = 0; c < channels; c++) winners[out + c] = place;
}

function maxTap(x: FloatArray, at: number, y: FloatArray, out: number, channels: number): void {
  for (let c = 0; c < channels; c++) y[out + c] = Math.max(y[out + c], x[at + c]);
}

function maxTapWithIndex(
  x: FloatArray,
  at: number,
  y: FloatArray,
  out: number,
  channels: number,
  winners: Int32Array,
  place: number,
): void {
  for (let c = 0; c < channels; c++) {
    const v = x[at + c];
    if (v > y[out + c] || v !== v) {
      y[out + c] = v;
      winners[out + c] = place;
    }
  }
}

/** Sends each gradient to the element that won; `winners` as {@link maxPoolForward} leaves them. */
export function maxPoolBackward(grad: NDArray, winners: Int32Array, x: NDArray): NDArray {
  const [batch, height, width, channels] = x.shape;
  const dx = NDArray.like(x);
  const to = floats(dx);
  const g = floats(grad);
  const perImage = batch === 0 ? 0 : g.length / batch;
  for (let n = 0; n < batch; n++) {
    const image = n * height * width * channels;
    const end = (n + 1) * perImage;
    for (let i = n * perImage; i < end; i += channels)
      for (let c = 0; c < channels; c++) to[image + winners[i + c] * channels + c] += g[i + c];
  }
  return dx;
}
