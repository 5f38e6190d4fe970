/** Picks from two tensors by a condition. */
import { broadcastShapes, broadcastStrides, DTypeError, isFloat, NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats, floats, NO_ATTRS, type NoAttrs } from './checks.js';
import { sumTo } from './reduce.js';
import { eachStrip } from './strips.js';

/** `from` where `cond` is (or is not) 0, 0 elsewhere; broadcast to `shape`. */
function masked(from: NDArray, cond: NDArray, keepWhere: boolean): NDArray {
  const shape = from.shape;
  const out = NDArray.like(from);
  const [x, y, c] = [floats(from), floats(out), cond.data];
  let at = 0;
  eachStrip(shape, [broadcastStrides(cond.shape, shape)], (n, [offset], [step]) => {
    for (const end = at + n; at < end; at++, offset += step)
      if ((c[offset] !== 0) === keepWhere) y[at] = x[at];
  });
  return out;
}

export const whereOp: OpDef<NoAttrs> = {
  name: 'where',
  infer([cond, a, b]) {
    if (isFloat(cond.dtype))
      throw new DTypeError(
        `cond: where needs integers (0 is false), got ${cond.dtype}; compare to make a mask`,
      );
    checkFloats('where', { a, b });
    return {
      shape: broadcastShapes(cond.shape, broadcastShapes(a.shape, b.shape, 'where'), 'where'),
      dtype: a.dtype,
    };
  },
  forward(ctx, [cond, a, b]) {
    ctx.save(cond, a, b);
    const shape = broadcastShapes(cond.shape, broadcastShapes(a.shape, b.shape));
    const y = NDArray.zeros(shape, a.dtype);
    const [dc, da, db, dy] = [cond.data, floats(a), floats(b), floats(y)];
    const strides = [cond, a, b].map((t) => broadcastStrides(t.shape, shape));
    let at = 0;
    eachStrip(shape, strides, (n, [co, ao, bo], [cs, as, bs]) => {
      for (const end = at + n; at < end; at++, co += cs, ao += as, bo += bs)
        dy[at] = dc[co] !== 0 ? da[ao] : db[bo];
    });
    return y;
  },
  backward({ saved: [cond, a, b], needsGrad }, g) {
    return [
      null,
      needsGrad[1] ? sumTo(masked(g, cond, true), a.shape) : null,
      needsGrad[2] ? sumTo(masked(g, cond, false), b.shape) : null,
    ];
  },
};

/**
 * `a` where `cond` is not 0, `b` elsewhere; all three broadcast. `cond` is an integer tensor and has no gradient.
 * @throws DTypeError for a float `cond`, or integer or mixed `a` and `b`; ShapeError where shapes do not broadcast
 */
export function where(cond: Tensor, a: Tensor, b: Tensor): Tensor {
  return apply(whereOp, [cond, a, b], NO_ATTRS);
}
