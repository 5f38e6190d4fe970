/** Padding with a constant, any rank. */
import { ArgumentError, formatShape, NDArray, ShapeError, stridesOf, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyRegion, whole, type Region } from './region.js';

export interface PadConstantAttrs {
  /** [before, after] for each axis, whole numbers >= 0 */
  readonly pads: readonly (readonly [number, number])[];
  readonly value: number;
}

function paddedShape(shape: Shape, { pads }: PadConstantAttrs): number[] {
  return shape.map((d, i) => d + pads[i][0] + pads[i][1]);
}

/** The place of x in the padded array. */
function inside(padded: NDArray, { pads }: PadConstantAttrs): Region {
  const strides = stridesOf(padded.shape);
  const offset = pads.reduce((sum, [before], i) => sum + before * strides[i], 0);
  return { data: padded.data, offset, strides };
}

export const padConstantOp: OpDef<PadConstantAttrs> = {
  name: 'padConstant',
  infer([x], attrs) {
    const { pads } = attrs;
    if (pads.length !== x.shape.length)
      throw new ShapeError(
        `pads: padConstant got ${pads.length} pairs; x of shape ${formatShape(x.shape)} needs one per axis`,
      );
    for (const [before, after] of pads)
      if (!Number.isInteger(before) || !Number.isInteger(after) || before < 0 || after < 0)
        throw new ArgumentError(`pads: padConstant got [${before}, ${after}]; use whole numbers >= 0`);
    return { shape: paddedShape(x.shape, attrs), dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    const y = NDArray.zeros(paddedShape(x.shape, attrs), x.dtype);
    if (attrs.value !== 0) y.data.fill(attrs.value);
    copyRegion(whole(x), inside(y, attrs), x.shape);
    ctx.save(x);
    return y;
  },
  backward(ctx, grad, attrs) {
    const dx = NDArray.like(ctx.saved[0]);
    copyRegion(inside(grad, attrs), whole(dx), dx.shape);
    return [dx];
  },
};

/**
 * Surrounds x with `value` (default 0).
 *
 * @param x any dtype
 * @param pads [before, after] for each axis
 * @throws ShapeError unless there is one pair per axis; ArgumentError for negative or fractional padding
 */
export function padConstant(x: Tensor, pads: readonly (readonly [number, number])[], value = 0): Tensor {
  return apply(padConstantOp, [x], { pads, value });
}
