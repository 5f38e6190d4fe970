/** Average pooling over NHWC, for sliding and adaptive windows alike. */
import { NDArray, type ArraySpec } from '../core/index.js';
import { compute } from './backend.js';
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

function geometry(x: ArraySpec, { rows, columns, countPadding }: AvgWindows) {
  const [batch, height, width, channels] = x.shape;
  const rowDivisor = windowDivisors(rows, countPadding);
  const columnDivisor = windowDivisors(columns, countPadding);
  return { batch, height, width, channels, rows, columns, rowDivisor, columnDivisor };
}

export function avgPoolForward(x: NDArray, windows: AvgWindows): NDArray {
  const g = geometry(x, windows);
  const y = NDArray.empty([g.batch, g.rowDivisor.length, g.columnDivisor.length, g.channels], x.dtype);
  compute('avgpool', { ...g, x: floats(x), y: floats(y) });
  return y;
}

/** Spreads each gradient evenly over its window. */
export function avgPoolBackward(grad: NDArray, x: ArraySpec, windows: AvgWindows): NDArray {
  const dx = NDArray.emptyLike(x);
  compute('avgpoolGrad', { ...geometry(x, windows), dy: floats(grad), dx: floats(dx) });
  return dx;
}
