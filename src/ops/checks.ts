/** Checks of several arguments at once, and small types that every op shares. */
import {
  DTypeError,
  formatShape,
  isFloat,
  sameShape,
  ShapeError,
  type ArraySpec,
  type FloatArray,
  type NDArray,
} from '../core/index.js';

/** Attributes of an op that has none. */
export type NoAttrs = Readonly<Record<never, never>>;
export const NO_ATTRS: NoAttrs = Object.freeze({});

/** The elements of an array that `infer` has found to be float. */
export function floats(a: NDArray): FloatArray {
  return a.data as FloatArray;
}

/** Throws DTypeError unless all arguments are of one float type: `checkFloats('add', { a, b })`. Skips undefined ones. */
export function checkFloats(op: string, args: Readonly<Record<string, ArraySpec | undefined>>): void {
  let first: [name: string, dtype: string] | null = null;
  for (const [name, a] of Object.entries(args)) {
    if (a === undefined) continue;
    if (!isFloat(a.dtype))
      throw new DTypeError(`${name}: ${op} computes in float32 or float64, got ${a.dtype}; convert it first`);
    first ??= [name, a.dtype];
    if (a.dtype !== first[1])
      throw new DTypeError(
        `${name}: ${op} got ${a.dtype} here but ${first[1]} for ${first[0]}; convert one to the type of the other`,
      );
  }
}

export function checkSameShape(op: string, name: string, a: ArraySpec, other: string, b: ArraySpec): void {
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(
      `${name}: ${op} got shape ${formatShape(a.shape)}, but ${other} has ${formatShape(b.shape)}; they must be equal`,
    );
}

/** Throws DTypeError unless `a` holds int32, the type of indices and class labels. */
export function checkIndices(op: string, name: string, a: ArraySpec): void {
  if (a.dtype !== 'int32')
    throw new DTypeError(`${name}: ${op} needs int32 indices here, got ${a.dtype}; convert it first`);
}
