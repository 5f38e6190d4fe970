/** One index of an axis; the axis goes away. */
import { NDArray, normalizeAxis, ShapeError, stridesOf, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyRegion, whole, type Region } from './region.js';

export interface SelectAttrs {
  /** 0 .. rank - 1 */
  readonly axis: number;
  /** negative counts from the end */
  readonly index: number;
}

function without(shape: Shape, axis: number): number[] {
  return shape.filter((_, i) => i !== axis);
}

function plane(a: NDArray, { axis, index }: SelectAttrs): Region {
  const strides = stridesOf(a.shape);
  const at = index < 0 ? index + a.shape[axis] : index;
  return { data: a.data, offset: at * strides[axis], strides: without(strides, axis) };
}

export const selectOp: OpDef<SelectAttrs> = {
  name: 'select',
  infer([x], { axis, index }) {
    const size = x.shape[axis];
    if (!Number.isInteger(index) || index < -size || index >= size)
      throw new ShapeError(`index: ${index} is outside axis ${axis} of x, which has size ${size}`);
    return { shape: without(x.shape, axis), dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    const y = NDArray.zeros(without(x.shape, attrs.axis), x.dtype);
    copyRegion(plane(x, attrs), whole(y), y.shape);
    ctx.save(x);
    return y;
  },
  backward(ctx, grad, attrs) {
    const dx = NDArray.like(ctx.saved[0]);
    copyRegion(whole(grad), plane(dx, attrs), grad.shape);
    return [dx];
  },
};

/**
 * `x[..., index, ...]` on one axis, without that axis.
 *
 * @param x any dtype
 * @throws ShapeError when axis or index is out of range
 */
export function select(x: Tensor, axis: number, index: number): Tensor {
  return apply(selectOp, [x], { axis: normalizeAxis(axis, x.rank), index });
}
