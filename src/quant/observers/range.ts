/** The smallest and largest value of a batch, per tensor or per channel. */
import { formatShape, QuantizationError, type FloatArray, type FloatNDArray } from '../../core/index.js';
import { compute } from '../../ops/backend.js';
import { channelLayout } from '../../ops/quantize.js';

/** One element per channel; one in all for per tensor. */
export interface ObservedRange {
  readonly min: Float32Array | Float64Array;
  readonly max: Float32Array | Float64Array;
}

/**
 * Minima and maxima of a batch, rounded to float32, in one pass.
 *
 * @param what the tensor and batch, for the message
 * @throws QuantizationError when there is a NaN, an infinity, or a float64 value beyond float32
 */
export function batchRange(x: FloatNDArray, axis: number | null, what: string): ObservedRange {
  const { outer, channels, inner } = channelLayout(x.shape, axis);
  // [outer, rows, channels] of the kernel: the channels are last, or each is a run of its own
  const runs = inner === 1 ? 1 : outer * channels;
  const columns = inner === 1 ? channels : 1;
  const low = new Float64Array(runs * columns);
  const high = new Float64Array(runs * columns);
  const rows = inner === 1 ? outer : inner;
  compute('sums', { fn: 'range', outer: runs, rows, channels: columns, x: [x.data], p: [], y: [low, high] });
  const min = new Float32Array(channels).fill(Infinity);
  const max = new Float32Array(channels).fill(-Infinity);
  for (let i = 0; i < low.length; i++) {
    const c = i % channels;
    min[c] = Math.min(min[c], low[i]);
    max[c] = Math.max(max[c], high[i]);
  }
  const bad = min.every(Number.isFinite) && max.every(Number.isFinite) ? -1 : firstNotFinite(x.data);
  if (bad >= 0)
    throw new QuantizationError(
      `${what}: element ${bad} of shape ${formatShape(x.shape)} is ${x.data[bad]}; observe only finite float32 values`,
    );
  return { min, max };
}

function firstNotFinite(a: FloatArray): number {
  for (let i = 0; i < a.length; i++) if (!Number.isFinite(Math.fround(a[i]))) return i;
  return -1;
}

/** The values of one channel, one after the other, as float32. For axis null: all values. */
export function channelValues(x: FloatNDArray, axis: number | null, channel: number): Float32Array {
  const { outer, channels, inner } = channelLayout(x.shape, axis);
  if (channels === 1) return x.data instanceof Float32Array ? x.data : Float32Array.from(x.data);
  const out = new Float32Array(outer * inner);
  let n = 0;
  for (let o = 0; o < outer; o++) {
    const from = (o * channels + channel) * inner;
    for (let i = from; i < from + inner; i++) out[n++] = x.data[i];
  }
  return out;
}
