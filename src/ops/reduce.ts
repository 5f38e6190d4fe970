/** Sums and extrema over any set of axes, as passes over [outer, n, inner]; and the broadcast back that undoes them. */
import { broadcastStrides, NDArray, sameShape, sizeOf, type FloatArray, type Shape } from '../core/index.js';
import { floats } from './checks.js';
import { compute } from './backend.js';
import { eachStrip } from './strips.js';

/** `shape` without `axes` (sorted, non-negative), or with 1 in their place. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdim: boolean): number[] {
  return keepdim
    ? shape.map((d, i) => (axes.includes(i) ? 1 : d))
    : shape.filter((_, i) => !axes.includes(i));
}

/** Reduces [outer, n, inner] to [outer, inner]. */
export type ReducePass = (x: FloatArray, outer: number, n: number, inner: number) => FloatArray;

/** Applies `pass` to each run of adjacent `axes` (sorted, non-negative), innermost first. */
export function reduceAxes(
  pass: ReducePass,
  x: FloatArray,
  shape: Shape,
  axes: readonly number[],
): FloatArray {
  let data = x;
  let inner = 1;
  let end = shape.length;
  for (let i = axes.length - 1; i >= 0; i--) {
    const last = axes[i];
    while (i > 0 && axes[i - 1] === axes[i] - 1) i--;
    const first = axes[i];
    inner *= sizeOf(shape.slice(last + 1, end));
    data = pass(data, sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, last + 1)), inner);
    end = first;
  }
  return data;
}

/** Sums in double precision. */
export function sumPass(x: FloatArray, outer: number, n: number, inner: number): Float64Array {
  const y = new Float64Array(outer * inner);
  compute('sums', { fn: 'sum', outer, rows: n, channels: inner, x: [x], p: [], y: [y] });
  return y;
}

/** The sum over `axes`, times `factor`. */
export function sumOver(x: NDArray, axes: readonly number[], keepdim: boolean, factor = 1): NDArray {
  const sums = reduceAxes(sumPass, floats(x), x.shape, axes);
  const y = NDArray.zeros(reducedShape(x.shape, axes, keepdim), x.dtype);
  if (factor === 1) y.data.set(sums);
  else for (let i = 0; i < sums.length; i++) y.data[i] = sums[i] * factor;
  return y;
}

/** The gradient of broadcasting `shape` to the shape of `grad`: sums over the axes that were repeated. */
export function sumTo(grad: NDArray, shape: Shape): NDArray {
  if (sameShape(grad.shape, shape)) return grad;
  const lead = grad.rank - shape.length;
  const axes = grad.shape
    .map((_, i) => i)
    .filter((i) => i < lead || (shape[i - lead] === 1 && grad.shape[i] !== 1));
  return sumOver(grad, axes, false).reshape(shape);
}

/** Repeats `x` to `shape`. */
export function broadcastTo(x: NDArray, shape: Shape): NDArray {
  return stridedCopy(x, shape, broadcastStrides(x.shape, shape));
}

/** The array of `shape` whose elements are read from `x` with the given strides. Any element type. */
export function stridedCopy(x: NDArray, shape: Shape, strides: readonly number[]): NDArray {
  const out = NDArray.zeros(shape, x.dtype);
  const from = x.data;
  const to = out.data;
  let at = 0;
  eachStrip(shape, [strides], (length, offsets, steps) => {
    let o = offsets[0];
    const step = steps[0];
    for (const end = at + length; at < end; o += step) to[at++] = from[o];
  });
  return out;
}
