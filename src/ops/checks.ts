/** Checks and small types that every op shares. */
import {
  DTypeError,
  formatShape,
  isFloat,
  sameShape,
  ShapeError,
  type ArraySpec,
  type FloatArray,
  type FloatDType,
  type NDArray,
} from '../core/index.js';

/** Attributes of an op that has none. */
export type NoAttrs = Readonly<Record<never, never>>;
export const NO_ATTRS: NoAttrs = Object.freeze({});

/** The elements of an array that `infer` has found to be float. */
export function floats(a: NDArray): FloatArray {
  return a.data as FloatArray;
}

/**
 * Throws DTypeError unless all arguments are of one float type, which is returned. Arguments are given by name:
 * `checkFloats('add', { a, b })`; those that are undefined are skipped.
 */
export function checkFloats(op: string, args: Readonly<Record<string, ArraySpec | undefined>>): FloatDType {
  let first: { name: string; dtype: FloatDType } | null = null;
  for (const [name, a] of Object.entries(args)) {
    if (a === undefined) continue;
    if (!isFloat(a.dtype))
      throw new DTypeError(`${op}: ${name} is ${a.dtype}; convert it to float32 or float64`);
    if (first === null) first = { name, dtype: a.dtype };
    else if (a.dtype !== first.dtype)
      throw new DTypeError(
        `${op}: ${first.name} is ${first.dtype} but ${name} is ${a.dtype}; convert one to the type of the other`,
      );
  }
  if (first === null) throw new DTypeError(`${op}: no float argument was given`);
  return first.dtype;
}

/** Throws DTypeError unless `a` holds int32, the type of indices and class labels. */
export function checkIndices(op: string, name: string, a: ArraySpec): void {
  if (a.dtype !== 'int32') throw new DTypeError(`${op}: ${name} is ${a.dtype}; indices are int32`);
}

export function checkSameShape(op: string, nameA: string, a: ArraySpec, nameB: string, b: ArraySpec): void {
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(
      `${op}: ${nameB} has shape ${formatShape(b.shape)}; it must be that of ${nameA}, ${formatShape(a.shape)}`,
    );
}

export function checkRank(op: string, name: string, a: ArraySpec, rank: number): void {
  if (a.shape.length !== rank)
    throw new ShapeError(`${op}: ${name} has shape ${formatShape(a.shape)}; it must have ${rank} dimensions`);
}
