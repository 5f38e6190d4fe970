/** The smallest and largest value of a batch, per tensor or per channel. */
import { formatShape, QuantizationError, type FloatArray, type FloatNDArray } from '../../core/index.js';
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
  const min = new Float32Array(channels).fill(Infinity);
  const max = new Float32Array(channels).fill(-Infinity);
  const a: FloatArray = x.data;
  let nan = -1;
  let i = 0;
  for (let o = 0; o < outer; o++)
    for (let c = 0; c < channels; c++) {
      let lo = min[c];
      let hi = max[c];
      for (const end = i + inner; i < end; i++) {
        const v = a[i];
        // One branch for nearly every value; NaN fails both comparisons and lands inside.
        if (!(v >= lo && v <= hi)) {
          if (v < lo) lo = v;
          if (v > hi) hi = v;
          if (Number.isNaN(v)) nan = i;
        }
      }
      min[c] = lo;
      max[c] = hi;
    }
  const bad =
    nan >= 0 ? nan : min.every(Number.isFinite) && max.every(Number.isFinite) ? -1 : firstNotFinite(a);
  if (bad >= 0)
    throw new QuantizationError(
      `${what}: element ${bad} of shape ${formatShape(x.shape)} is ${a[bad]}; observe only finite float32 values`,
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
