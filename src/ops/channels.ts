/**
 * Loops over [rows, channels] with channels innermost: what bias gradients and batch, group and instance norm are made
 * of. Sums are taken in double precision. `from` is the first element of the block of rows.
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
  for (let i = from; i < end; i += channels)
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
  for (let i = from; i < end; i += channels)
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
  for (let i = from; i < end; i += channels)
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
  for (let i = from; i < end; i += channels)
    for (let c = 0; c < channels; c++) dx[i + c] = g[i + c] * a[c] + (x[i + c] - mean[c]) * b[c] + k[c];
}
