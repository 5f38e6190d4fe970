/** What batch, group and instance norm do to [rows, channels], as calls of kernels. Sums are in double precision. */
import type { FloatArray, SumFunction } from '../../kernels/index.js';
import type { NDArray } from '../core/index.js';
import { compute } from './backend.js';
import { map } from './map.js';
import { sumOver } from './reduce.js';

/** The sum over all axes but the last. */
export function channelSum(grad: NDArray): NDArray {
  return sumOver(
    grad,
    grad.shape.slice(1).map((_, axis) => axis),
    false,
  );
}

/** y += bias, in place. */
export function addChannelBias(y: FloatArray, bias: FloatArray): void {
  map('add', [y, bias], [y]);
}

/** Values per channel as an operand beside `x`. */
function beside(x: FloatArray, values: Float64Array): FloatArray {
  return x instanceof Float32Array ? Float32Array.from(values) : values;
}

function sumsOf(fn: SumFunction, x: readonly FloatArray[], p: Float64Array): [Float64Array, Float64Array] {
  const channels = p.length;
  const y: [Float64Array, Float64Array] = [new Float64Array(channels), new Float64Array(channels)];
  const rows = channels === 0 ? 0 : x[0].length / channels;
  compute('sums', { fn, outer: 1, rows, channels, x, p: [p], y });
  return y;
}

/** sum (x - shift[c]) and sum (x - shift[c])^2; a shift near the mean avoids cancellation. */
export function sumMoments(x: FloatArray, shift: Float64Array): [Float64Array, Float64Array] {
  return sumsOf('moments', [x], shift);
}

/** sum g and sum g * (x - mean[c]) */
export function sumGradients(g: FloatArray, x: FloatArray, mean: Float64Array): [Float64Array, Float64Array] {
  return sumsOf('products', [g, x], mean);
}

/** y = (x - mean[c]) * scale[c] + bias[c] */
export function normalizeRows(x: FloatArray, y: FloatArray, ...perChannel: Float64Array[]): void {
  map('normalize', [x, ...perChannel.map((v) => beside(x, v))], [y]);
}

/** dx = g * a[c] + (x - mean[c]) * b[c] + k[c], of mean, a, b, k */
export function combineGradients(
  g: FloatArray,
  x: FloatArray,
  dx: FloatArray,
  ...perChannel: Float64Array[]
): void {
  map('normalizeGrad', [g, x, ...perChannel.map((v) => beside(x, v))], [dx]);
}
