/** One index of an axis; the axis goes away. */
import { NDArray, normalizeAxis, ShapeError, sizeOf, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyChunks, type Chunks } from './chunks.js';

export interface SelectAttrs {
  /** 0 .. rank - 1 */
  readonly axis: number;
  /** negative counts from the end */
  readonly index: number;
}

function without(shape: Shape, axis: number): number[] {
  return shape.filter((_, i) => i !== axis);
}

/** The selected chunks of an array of x's shape, their length and their number. */
function selected(
  x: NDArray,
  { axis, index }: SelectAttrs,
): { chunks: Chunks; length: number; count: number } {
  const size = x.shape[axis];
  const length = sizeOf(x.shape.slice(axis + 1));
  const at = index < 0 ? index + size : index;
  return {
    chunks: { data: x.data, start: at * length, step: size * length },
    length,
    count: sizeOf(x.shape.slice(0, axis)),
  };
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
    const { chunks, length, count } = selected(x, attrs);
    copyChunks(chunks, { data: y.data, start: 0, step: length }, length, count);
    ctx.save(x);
    return y;
  },
  backward(ctx, grad, attrs) {
    const dx = NDArray.like(ctx.saved[0]);
    const { chunks, length, count } = selected(dx, attrs);
    copyChunks({ data: grad.data, start: 0, step: length }, chunks, length, count);
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
