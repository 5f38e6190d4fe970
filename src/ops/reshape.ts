/** The same elements in another shape. */
import { ArgumentError, checkShape, formatShape, ShapeError, sizeOf, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';

export interface ReshapeAttrs {
  /** Without -1. */
  readonly shape: Shape;
}

export const reshapeOp: OpDef<ReshapeAttrs> = {
  name: 'reshape',
  infer([x], { shape }) {
    checkShape('shape', shape);
    if (sizeOf(shape) !== sizeOf(x.shape))
      throw new ShapeError(
        `shape: ${formatShape(shape)} holds ${sizeOf(shape)} elements, x of shape ${formatShape(x.shape)} has ${sizeOf(x.shape)}`,
      );
    return { shape, dtype: x.dtype };
  },
  forward(ctx, [x], { shape }) {
    ctx.save(x);
    return x.reshape(shape);
  },
  backward: ({ saved: [x] }, g) => [g.reshape(x.shape)],
};

/** Any element type; the data is shared. One size may be -1: what is left. Throws ShapeError where the sizes differ. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const open = shape.filter((d) => d === -1).length;
  if (open > 1)
    throw new ArgumentError(`shape: ${formatShape(shape)} leaves ${open} sizes open; only one may be -1`);
  const known = sizeOf(shape.filter((d) => d !== -1));
  const rest = x.size / known;
  if (open === 1 && !Number.isInteger(rest))
    throw new ShapeError(
      `shape: x of shape ${formatShape(x.shape)} has ${x.size} elements, which ${formatShape(shape)} cannot divide`,
    );
  return apply(reshapeOp, [x], { shape: shape.map((d) => (d === -1 ? rest : d)) });
}
