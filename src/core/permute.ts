/** Arrays and shapes with their axes in another order. */
import { NDArray } from './ndarray.js';
import { sizeOf, stridesOf, type Shape } from './shape.js';

export function isIdentity(perm: readonly number[]): boolean {
  return perm.every((axis, i) => axis === i);
}

/** The order that undoes `perm`. */
export function invertPerm(perm: readonly number[]): number[] {
  const inverse = new Array<number>(perm.length);
  perm.forEach((axis, i) => (inverse[axis] = i));
  return inverse;
}

/** Whether a transpose leaves the elements in their order: it moves only axes of size 1, and not the first. */
export function keepsOrder(shape: Shape, perm: readonly number[]): boolean {
  const long = perm.filter((axis) => axis === 0 || shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || axis > long[i - 1]);
}

/** A copy of `a` whose axis i is axis perm[i] of `a`. */
export function permuteArray(a: NDArray, perm: readonly number[]): NDArray {
  const shape = perm.map((axis) => a.shape[axis]);
  const out = NDArray.empty(shape, a.dtype);
  const strides = stridesOf(a.shape);
  const steps = perm.map((axis) => strides[axis]);
  const position = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0, size = sizeOf(shape); to < size; to++) {
    out.data[to] = a.data[from];
    for (let i = shape.length - 1; i >= 0; i--) {
      from += steps[i];
      if (++position[i] < shape[i]) break;
      from -= steps[i] * shape[i];
      position[i] = 0;
    }
  }
  return out;
}
