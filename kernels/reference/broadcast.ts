/** Visits the elements of two arrays that numpy broadcasting pairs up. */
import type { Requantization } from '../types.js';

/** From the codes of two operands to the values that are added or multiplied, and from the result to a code. */
export interface ScaledOperands {
  readonly a: (code: number) => number;
  readonly b: (code: number) => number;
  readonly requant: Requantization;
}

/** `visit(index in y, index in a, index in b)` for every element of y; shapes align at their last axes. */
export function forEachPair(
  aShape: readonly number[],
  bShape: readonly number[],
  yShape: readonly number[],
  visit: (y: number, a: number, b: number) => void,
): void {
  const aStrides = broadcastStrides(aShape, yShape.length);
  const bStrides = broadcastStrides(bShape, yShape.length);
  let y = 0;
  const walk = (axis: number, a: number, b: number): void => {
    if (axis === yShape.length) {
      visit(y++, a, b);
      return;
    }
    for (let i = 0; i < yShape[axis]; i++) walk(axis + 1, a + i * aStrides[axis], b + i * bStrides[axis]);
  };
  walk(0, 0, 0);
}

/** Row-major strides of `shape` seen with `rank` axes: 0 along an axis of size 1, which repeats. */
function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) strides[rank - shape.length + axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}
