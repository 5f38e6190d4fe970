/**
 * Loops over [rows, channels] with channels innermost: what bias gradients and batch, group and instance norm are made
 * of. Sums are taken in double precision. `from` is the first element of the block of rows. Four rows are taken at a time:
 * each element of the per-channel arrays is then loaded once for four of x, which halves the time.
 */
import { NDArray, type FloatArray } from '../core/index.js';

/** The sum over all axes but the last. */
export function channelSum(grad: NDArray): NDArray {
  const channels = grad.shape[grad.rank - 1];
  const sum = new Float64Array(channels);
  const g = grad.data as FloatArray;
  for (let i = 0; i < g.length; i += channels) for (let c = 0; c < channels; c++) sum[c] += g[i + c];
  const out = NDArray.zeros([channels], grad.dtype);
  out.data.set(sum);
  return out;
}

/** y += bias, in place. */
export function addChannelBias(y: FloatArray, bias: FloatArray): void {
  const channels = bias.length;
  for (let i = 0; i < y.length; i += channels) for (let c = 0; c < channels; c++) y[i + c] += bias[c];
}

/** sum[c] += sum (x - shift[c]), square[c] += sum (x - shift[c])^2; a shift near the mean avoids cancellation. */
export function sumMoments(
  x: FloatArray,
  from: number,
  rows: number,
  shift: Float64Array,
  sum: Float64Array,
  square: Float64Array,
): void {
  const channels = sum.length;
  const end = from + rows * channels;
  const fours = from + (rows - (rows % 4)) * channels;
  let i = from;
  for (; i < fours; i += 4 * channels)
    for (let c = 0; c < channels; c++) {
      const p = i + c;
      const s = shift[c];
      const d0 = x[p] - s;
      const d1 = x[p + channels] - s;
      const d2 = x[p + 2 * channels] - s;
      const d3 = x[p + 3 * channels] - s;
      sum[c] += d0 + d1 + (d2 + d3);
      square[c] += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3);
    }
  for (; i < end; i += channels)
    for (let c = 0; c < channels; c++) {
      const d = x[i + c] - shift[c];
      sum[c] += d;
      square[c] += d * d;
    }
}

/** y = (x - mean[c]) * scale[c] + bias[c] */
export function normalizeRows(
  x: FloatArray,
  y: FloatArray,
  from: number,
  rows: number,
  mean: Float64Array,
  scale: Float64Array,
  bias: Float64Array,
): void {
  const channels = mean.length;
  const end = from + rows * channels;
  const fours = from + (rows - (rows % 4)) * channels;
  let i = from;
  for (; i < fours; i += 4 * channels)
    for (let c = 0; c < channels; c++) {
      const p0 = i + c;
      const p1 = p0 + channels;
      const p2 = p1 + channels;
      const p3 = p2 + channels;
      const m = mean[c];
      const s = scale[c];
      const b = bias[c];
      y[p0] = (x[p0] - m) * s + b;
      y[p1] = (x[p1] - m) * s + b;
      y[p2] = (x[p2] - m) * s + b;
      y[p3] = (x[p3] - m) * s + b;
    }
  for (; i < end; i += channels)
    for (let c = 0; c < channels; c++) y[i + c] = (x[i + c] - mean[c]) * scale[c] + bias[c];
}

/** sumG[c] += sum g, sumGX[c] += sum g * (x - mean[c]) */
export function sumGradients(
  g: FloatArray,
  x: FloatArray,
  from: number,
  rows: number,
  mean: Float64Array,
  sumG: Float64Array,
  sumGX: Float64Array,
): void {
  const channels = mean.length;
  const end = from + rows * channels;
  const fours = from + (rows - (rows % 4)) * channels;
  let i = from;
  for (; i < fours; i += 4 * channels)
    for (let c = 0; c < channels; c++) {
      const p0 = i + c;
      const p1 = p0 + channels;
      const p2 = p1 + channels;
      const p3 = p2 + channels;
      const m = mean[c];
      const g0 = g[p0];
      const g1 = g[p1];
      const g2 = g[p2];
      const g3 = g[p3];
      sumG[c] += g0 + g1 + (g2 + g3);
      sumGX[c] += g0 * (x[p0] - m) + g1 * (x[p1] - m) + (g2 * (x[p2] - m) + g3 * (x[p3] - m));
    }
  for (; i < end; i += channels)
    for (let c = 0; c < channels; c++) {
      const d = g[i + c];
      sumG[c] += d;
      sumGX[c] += d * (x[i + c] - mean[c]);
    }
}

/** dx = g * a[c] + (x - mean[c]) * b[c] + k[c] */
export function combineGradients(
  g: FloatArray,
  x: FloatArray,
  dx: FloatArray,
  from: number,
  rows: number,
  mean: Float64Array,
  a: Float64Array,
  b: Float64Array,
  k: Float64Array,
): void {
  const channels = mean.length;
  const end = from + rows * channels;
  const fours = from + (rows - (rows % 4)) * channels;
  let i = from;
  for (; i < fours; i += 4 * channels)
    for (let c = 0; c < channels; c++) {
      const p0 = i + c;
      const p1 = p0 + channels;
      const p2 = p1 + channels;
      const p3 = p2 + channels;
      const m = mean[c];
      const ac = a[c];
      const bc = b[c];
      const kc = k[c];
      dx[p0] = g[p0] * ac + (x[p0] - m) * bc + kc;
      dx[p1] = g[p1] * ac + (x[p1] - m) * bc + kc;
      dx[p2] = g[p2] * ac + (x[p2] - m) * bc + kc;
      dx[p3] = g[p3] * ac + (x[p3] - m) * bc + kc;
    }
  for (; i < end; i += channels)
    for (let c = 0; c < channels; c++) dx[i + c] = g[i + c] * a[c] + (x[i + c] - mean[c]) * b[c] + k[c];
}
