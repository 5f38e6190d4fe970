/** Checks of index tensors: their type, and their values, which shape inference cannot see. */
import { ArgumentError, DTypeError, type ArraySpec, type NDArray } from '../core/index.js';

export function checkIndices(op: string, name: string, a: ArraySpec): void {
  if (a.dtype !== 'int32') throw new DTypeError(`${name}: ${op} needs int32 indices, got ${a.dtype}`);
}

/** Throws ArgumentError unless every element is in 0 .. size - 1. */
export function checkIndexValues(op: string, name: string, index: NDArray, size: number): void {
  const data = index.data;
  for (let i = 0; i < data.length; i++)
    if (data[i] < 0 || data[i] >= size)
      throw new ArgumentError(
        `${name}: ${op} got ${data[i]} at position ${i}; it must be in 0 .. ${size - 1}`,
      );
}
