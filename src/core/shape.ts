/** Shapes: sizes, strides, axes, broadcasting. Everything is row-major and contiguous. */
import { ArgumentError, ShapeError } from './errors.js';

export type Shape = readonly number[];

/** Number of elements; 1 for a scalar shape `[]`. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let s = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = s;
    s *= shape[i];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function checkShape(name: string, shape: Shape): void {
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0)
      throw new ShapeError(`${name}: ${formatShape(shape)} is not a shape; sizes are whole numbers >= 0`);
  }
}

/** Turns a possibly negative axis into `0 .. rank - 1`. */
export function normalizeAxis(axis: number, rank: number, name = 'axis'): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank)
    throw new ShapeError(`${name}: ${axis} is outside a tensor of ${rank} dimensions`);
  return a;
}

/** Sorted, unique, non-negative axes; `null` or `undefined` means all of them. */
export function normalizeAxes(axes: readonly number[] | null | undefined, rank: number): number[] {
  if (axes === null || axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const out = axes.map((a) => normalizeAxis(a, rank, 'axes')).sort((a, b) => a - b);
  for (let i = 1; i < out.length; i++)
    if (out[i] === out[i - 1]) throw new ArgumentError(`axes: [${axes.join(', ')}] names an axis twice`);
  return out;
}

/** The shape that numpy-style broadcasting gives. Throws {@link ShapeError} where the shapes do not fit. */
export function broadcastShapes(a: Shape, b: Shape, what = 'operands'): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    if (da !== db && da !== 1 && db !== 1)
      throw new ShapeError(
        `${what}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast; sizes must be equal or 1, counted from the right`,
      );
    out[i] = da === 1 ? db : da;
  }
  return out;
}

/** Strides of `shape` read as if it were broadcast to `to` (0 along repeated axes). */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]));
}
