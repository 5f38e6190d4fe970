/** Max pooling over NHWC, for sliding and adaptive windows alike. */
import { NDArray } from '../core/index.js';
import { compute } from './backend.js';
import { floats } from './checks.js';
import type { Taps } from './taps.js';

/**
 * The largest element of each window. `winners`, where given, receives its index in the H * W plane. Ties go to the
 * first element in row-major order and NaN wins, as in PyTorch.
 */
export function maxPoolForward(x: NDArray, rows: Taps, columns: Taps, winners: Int32Array | null): NDArray {
  const [batch, height, width, channels] = x.shape;
  const y = NDArray.empty([batch, rows.start.length, columns.start.length, channels], x.dtype);
  const windows = { batch, height, width, channels, rows, columns };
  compute('maxpool', { ...windows, x: floats(x), y: floats(y), winners });
  return y;
}

/** Sends each gradient to the element that won; `winners` as {@link maxPoolForward} leaves them. */
export function maxPoolBackward(
  grad: NDArray,
  rows: Taps,
  columns: Taps,
  winners: Int32Array,
  x: NDArray,
): NDArray {
  const [batch, height, width, channels] = x.shape;
  const dx = NDArray.emptyLike(x);
  const windows = { batch, height, width, channels, rows, columns };
  compute('maxpoolGrad', { ...windows, dy: floats(grad), dx: floats(dx), winners });
  return dx;
}
