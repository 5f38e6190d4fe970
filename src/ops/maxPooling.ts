/** The loops of max pooling over NHWC, for sliding and adaptive windows alike. */
import { NDArray, type FloatArray } from '../core/index.js';
import { floats } from './checks.js';
import type { Taps } from './taps.js';

/**
 * The largest element of each window. `winners`, where given, receives its index in the H * W plane. Ties go to the
 * first element in row-major order and NaN wins, as in PyTorch.
 *
 * Taps are taken in pairs along a row (the last of an odd number with itself, which changes nothing), so that y and
 * winners are loaded and stored once for two of them: a fifth faster for 2 x 2 windows.
 */
export function maxPoolForward(x: NDArray, rows: Taps, columns: Taps, winners: Int32Array | null): NDArray {
  const [batch, height, width, channels] = x.shape;
  const y = NDArray.zeros([batch, rows.start.length, columns.start.length, channels], x.dtype);
  const from = floats(x);
  const to = floats(y);
  const places = winners ?? new Int32Array(channels);
  let out = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.start.length; i++)
      for (let j = 0; j < columns.start.length; j++) {
        const to0 = winners === null ? 0 : out;
        for (let r = rows.start[i]; r < rows.end[i]; r += rows.step)
          for (let s = columns.start[j]; s < columns.end[j]; s += 2 * columns.step) {
            const place = r * width + s;
            const step = s + columns.step < columns.end[j] ? columns.step : 0;
            const at = (n * height * width + place) * channels;
            if (r === rows.start[i] && s === columns.start[j])
              firstTaps(from, at, to, out, channels, places, to0, place, step);
            else nextTaps(from, at, to, out, channels, places, to0, place, step);
          }
        out += channels;
      }
  return y;
}

/** The larger of x[at + c] and of its neighbour `step` pixels on starts y[out + c]; its place starts places[p + c]. */
function firstTaps(
  x: FloatArray,
  at: number,
  y: FloatArray,
  out: number,
  channels: number,
  places: Int32Array,
  p: number,
  place: number,
  step: number,
): void {
  const next = at + step * channels;
  for (let c = 0; c < channels; c++) {
    let best = x[at + c];
    let winner = place;
    const v = x[next + c];
    if (v > best || v !== v) {
      best = v;
      winner = place + step;
    }
    y[out + c] = best;
    places[p + c] = winner;
  }
}

/** As {@link firstTaps}, against what y holds. */
function nextTaps(
  x: FloatArray,
  at: number,
  y: FloatArray,
  out: number,
  channels: number,
  places: Int32Array,
  p: number,
  place: number,
  step: number,
): void {
  const next = at + step * channels;
  for (let c = 0; c < channels; c++) {
    let best = y[out + c];
    let winner = places[p + c];
    const u = x[at + c];
    if (u > best || u !== u) {
      best = u;
      winner = place;
    }
    const v = x[next + c];
    if (v > best || v !== v) {
      best = v;
      winner = place + step;
    }
    y[out + c] = best;
    places[p + c] = winner;
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
