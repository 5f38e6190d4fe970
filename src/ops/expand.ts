/** Repeats axes of size 1. */
import { broadcastShapes, formatShape, sameShape, ShapeError, type Shape } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { broadcastTo, sumTo } from './reduce.js';

export interface ExpandAttrs {
  /** Without -1. */
  readonly shape: Shape;
}

export const expandOp: OpDef<ExpandAttrs> = {
  name: 'expand',
  infer([x], { shape }) {
    if (!sameShape(broadcastShapes(x.shape, shape, 'expand'), shape))
      throw new ShapeError(`shape: ${formatShape(shape)} is smaller than that of x, ${formatShape(x.shape)}`);
    return { shape, dtype: x.dtype };
  },
  forward(ctx, [x], { shape }) {
    ctx.save(x);
    return broadcastTo(x, shape);
  },
  backward: ({ saved: [x] }, g) => [sumTo(g, x.shape)],
};

/** Repeats `x` to `shape`, as broadcasting would; -1 keeps a size. The result is a copy. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const lead = shape.length - x.rank;
  return apply(expandOp, [x], { shape: shape.map((d, i) => (d === -1 ? (x.shape[i - lead] ?? d) : d)) });
}
