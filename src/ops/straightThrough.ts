/** Puts a value computed elsewhere in place of a tensor and lets the gradient pass where a mask is 1. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { NDArray, ShapeError } from '../core/index.js';
import { checkFloats, checkSameShape, floats } from './checks.js';
import { map } from './map.js';

export interface StraightThroughAttrs {
  /** The value of the result; shared, not copied. */
  readonly value: NDArray;
  /** One element per element of the tensor: 1 where the gradient passes, 0 where it stops; null: all passes. */
  readonly mask: Uint8Array | null;
}

export const straightThroughOp: OpDef<StraightThroughAttrs> = {
  name: 'straightThrough',
  infer([x], { value, mask }) {
    checkFloats('straightThrough', { x, value });
    checkSameShape('straightThrough', 'x', x, 'value', value);
    if (mask !== null && mask.length !== value.size)
      throw new ShapeError(
        `straightThrough: mask has ${mask.length} elements; give one for each of the ${value.size} elements of x`,
      );
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(_ctx, _inputs, { value }) {
    return value;
  },
  backward(_ctx, grad, { mask }) {
    if (mask === null) return [grad];
    const dx = NDArray.emptyLike(grad);
    map('masked', [floats(grad), mask], [floats(dx)]);
    return [dx];
  },
};

/**
 * A tensor that has `value` as its value and the tape of `x` as its past: `dx = dy` where mask is 1 or null, else 0. A quantized
 * graph uses it to put the exact result of an integer kernel in place of its float simulation.
 *
 * @param value of the shape and type of x; not copied, so leave it alone afterwards
 * @param mask one element per element of x, or null
 * @throws ShapeError or DTypeError when `value` or `mask` does not fit x
 */
export function straightThrough(x: Tensor, value: NDArray, mask: Uint8Array | null): Tensor {
  return apply(straightThroughOp, [x], { value, mask });
}
