/** The mean over axes. Accumulates in double precision. */
import { NDArray, sizeOf, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { zip } from './binary.js';
import { checkFloats } from './checks.js';
import { broadcastTo, reducedShape, sumOver } from './reduce.js';
import { reduceAttrs, type ReduceAttrs, type ReduceOptions } from './sum.js';

function countOf(x: ArraySpec, axes: readonly number[]): number {
  return sizeOf(axes.map((a) => x.shape[a]));
}

export const meanOp: OpDef<ReduceAttrs> = {
  name: 'mean',
  infer([x], { axes, keepdim }) {
    checkFloats('mean', { x });
    return { shape: reducedShape(x.shape, axes, keepdim), dtype: x.dtype };
  },
  forward(ctx, [x], { axes, keepdim }) {
    ctx.save(x);
    return sumOver(x, axes, keepdim, 1 / countOf(x, axes));
  },
  backward({ saved: [x] }, g, { axes }) {
    const share = zip('mul', g, NDArray.full([], 1 / countOf(x, axes), g.dtype));
    return [broadcastTo(share.reshape(reducedShape(x.shape, axes, true)), x.shape)];
  },
};

/** Over all axes: a scalar. `keepdim` leaves 1 in the place of each axis. NaN for an empty axis. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(meanOp, [x], reduceAttrs(x, options));
}
