/** Slices with a start, a stop and a step per axis. */
import { ArgumentError, formatShape, NDArray, ShapeError, stridesOf, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyRegion, whole, type Region } from './region.js';

/** [start, stop, step] as in Python: null means the end of the axis (or step 1), negative counts from the end. */
export type SliceRange = readonly [start: number | null, stop: number | null, step?: number | null];

export interface SliceAttrs {
  /** One per axis, from the first; axes without one are kept whole. */
  readonly ranges: readonly SliceRange[];
}

/** What a range selects of an axis: start, start + step, ..., `count` indices. */
export interface ResolvedRange {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Python's slice.indices. Throws ArgumentError for step 0 or fractions. */
export function resolveRange([start, stop, step]: SliceRange, size: number): ResolvedRange {
  const by = step ?? 1;
  for (const v of [start, stop, by])
    if (v !== null && !Number.isInteger(v))
      throw new ArgumentError(`ranges: slice takes whole numbers or null, got ${v}`);
  if (by === 0) throw new ArgumentError('ranges: slice got a step of 0; use a step other than 0');
  const low = by > 0 ? 0 : -1;
  const high = by > 0 ? size : size - 1;
  const clip = (v: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high);
  const first = start === null ? (by > 0 ? low : high) : clip(start);
  const last = stop === null ? (by > 0 ? high : low) : clip(stop);
  return { start: first, step: by, count: Math.max(Math.ceil((last - first) / by), 0) };
}

function resolveRanges(shape: Shape, { ranges }: SliceAttrs): ResolvedRange[] {
  return shape.map((size, axis) => resolveRange(ranges[axis] ?? [null, null, null], size));
}

/** The part of an array of `shape` that the ranges select. */
function region(data: Region['data'], shape: Shape, ranges: readonly ResolvedRange[]): Region {
  const strides = stridesOf(shape);
  return {
    data,
    offset: ranges.reduce((sum, { start }, axis) => sum + start * strides[axis], 0),
    strides: ranges.map(({ step }, axis) => step * strides[axis]),
  };
}

export const sliceOp: OpDef<SliceAttrs> = {
  name: 'slice',
  infer([x], attrs) {
    if (attrs.ranges.length > x.shape.length)
      throw new ShapeError(
        `ranges: slice got ${attrs.ranges.length} for x of shape ${formatShape(x.shape)}; give at most one per axis`,
      );
    return { shape: resolveRanges(x.shape, attrs).map((r) => r.count), dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    const ranges = resolveRanges(x.shape, attrs);
    const y = NDArray.zeros(
      ranges.map((r) => r.count),
      x.dtype,
    );
    copyRegion(region(x.data, x.shape, ranges), whole(y), y.shape);
    ctx.save(x);
    return y;
  },
  backward(ctx, grad, attrs) {
    const [x] = ctx.saved;
    const dx = NDArray.like(x);
    copyRegion(whole(grad), region(dx.data, x.shape, resolveRanges(x.shape, attrs)), grad.shape);
    return [dx];
  },
};

/**
 * `x[start:stop:step, ...]` with Python's meaning, negative steps included. The result is a copy.
 *
 * @param x any dtype
 * @param ranges one [start, stop, step] per axis from the first on; [null, null] keeps an axis
 */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  return apply(sliceOp, [x], { ranges });
}
