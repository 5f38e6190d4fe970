/** The sum over axes. Accumulates in double precision. */
import { normalizeAxes } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats } from './checks.js';
import { broadcastTo, reducedShape, sumOver } from './reduce.js';

export interface ReduceAttrs {
  /** Sorted, non-negative. */
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}

/** `axes` may be negative; null or absent means all of them, an empty list none. */
export interface ReduceOptions {
  readonly axes?: readonly number[] | null;
  readonly keepdim?: boolean;
}

export function reduceAttrs(x: Tensor, { axes = null, keepdim = false }: ReduceOptions): ReduceAttrs {
  return { axes: normalizeAxes(axes, x.rank), keepdim };
}

export const sumOp: OpDef<ReduceAttrs> = {
  name: 'sum',
  infer([x], { axes, keepdim }) {
    checkFloats('sum', { x });
    return { shape: reducedShape(x.shape, axes, keepdim), dtype: x.dtype };
  },
  forward(ctx, [x], { axes, keepdim }) {
    ctx.save(x);
    return sumOver(x, axes, keepdim);
  },
  backward: ({ saved: [x] }, g, { axes }) => [
    broadcastTo(g.reshape(reducedShape(x.shape, axes, true)), x.shape),
  ],
};

/** Over all axes: a scalar. `keepdim` leaves 1 in the place of each axis. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(sumOp, [x], reduceAttrs(x, options));
}
