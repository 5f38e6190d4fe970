/** The loops of average pooling over NHWC, for sliding and adaptive windows alike. */
import { NDArray, type ArraySpec } from '../core/index.js';
import { floats } from './checks.js';
import { tapCount, type Taps } from './taps.js';

/** What each window of one axis is divided by: the elements it sees or, with padding, its padded length. */
export function windowDivisors(taps: Taps, countPadding: boolean): Float64Array {
  return Float64Array.from(taps.start, (_, i) => (countPadding ? taps.padded[i] : tapCount(taps, i)));
}

export interface AvgWindows {
  readonly rows: Taps;
  readonly columns: Taps;
  readonly countPadding: boolean;
}

export function avgPoolForward(x: NDArray, { rows, columns, countPadding }: AvgWindows): NDArray {
  const [batch, height, width, channels] = x.shape;
  const y = NDArray.zeros([batch, rows.start.length, columns.start.length, channels], x.dtype);
  const from = floats(x);
  const to = floats(y);
  const rowDivisors = windowDivisors(rows, countPadding);
  const columnDivisors = windowDivisors(columns, countPadding);
  const sum = new Float64Array(channels);
  let out = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.start.length; i++)
      for (let j = 0; j < columns.start.length; j++) {
        sum.fill(0);
        for (let r = rows.start[i]; r < rows.end[i]; r += rows.step)
          for (let s = columns.start[j]; s < columns.end[j]; s += columns.step) {
            const at = ((n * height + r) * width + s) * channels;
            for (let c = 0; c < channels; c++) sum[c] += from[at + c];
          }
        const divisor = rowDivisors[i] * columnDivisors[j];
        for (let c = 0; c < channels; c++) to[out + c] = sum[c] / divisor;
        out += channels;
      }
  return y;
}

/** Spreads each gradient evenly over its window. */
export function avgPoolBackward(
  grad: NDArray,
  x: ArraySpec,
  { rows, columns, countPadding }: AvgWindows,
): NDArray {
  const [batch, height, width, channels] = x.shape;
  const dx = NDArray.like(x);
  const to = floats(dx);
  const g = floats(grad);
  const rowDivisors = windowDivisors(rows, countPadding);
  const columnDivisors = windowDivisors(columns, countPadding);
  let from = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.start.length; i++)
      for (let j = 0; j < columns.start.length; j++) {
        const share = 1 / (rowDivisors[i] * columnDivisors[j]);
        for (let r = rows.start[i]; r < rows.end[i]; r += rows.step)
          for (let s = columns.start[j]; s < columns.end[j]; s += columns.step) {
            const at = ((n * height + r) * width + s) * channels;
            for (let c = 0; c < channels; c++) to[at + c] += g[from + c] * share;
          }
        from += channels;
      }
  return dx;
}
