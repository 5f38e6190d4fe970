/** A clamp whose bounds are trained (PACT, Choi et al. 2018, arXiv:1805.06085). */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { formatShape, NDArray, ShapeError, type ArraySpec } from '../core/index.js';
import { checkFloats, floats } from './checks.js';

function checkBound(name: string, { shape }: ArraySpec): void {
  if (shape.length > 1 || (shape[0] ?? 1) !== 1)
    throw new ShapeError(`clampLearned: ${name} has shape ${formatShape(shape)}; give one number`);
}

export const clampLearnedOp: OpDef<object> = {
  name: 'clampLearned',
  infer([x, lower, upper]) {
    checkFloats('clampLearned', { x, lower, upper });
    checkBound('lower', lower);
    checkBound('upper', upper);
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x, lower, upper]) {
    ctx.save(x, lower, upper);
    const out = NDArray.emptyLike(x);
    const [a, y] = [floats(x), floats(out)];
    const [lo, hi] = [floats(lower)[0], floats(upper)[0]];
    for (let i = 0; i < a.length; i++) y[i] = a[i] > hi ? hi : a[i] < lo ? lo : a[i];
    return out;
  },
  backward(ctx, grad) {
    const [x, lower, upper] = ctx.saved;
    const dx = NDArray.emptyLike(x);
    const [a, dy, da] = [floats(x), floats(grad), floats(dx)];
    const [lo, hi] = [floats(lower)[0], floats(upper)[0]];
    let [below, above] = [0, 0];
    for (let i = 0; i < a.length; i++) {
      const v = a[i];
      if (v > hi) {
        above += dy[i];
        da[i] = 0;
      } else if (v < lo) {
        below += dy[i];
        da[i] = 0;
      } else da[i] = dy[i];
    }
    const sum = (bound: NDArray, value: number): NDArray => {
      const out = NDArray.like(bound);
      out.data[0] = value;
      return out;
    };
    return [dx, sum(lower, below), sum(upper, above)];
  },
};

/**
 * x limited to [lower, upper], tensors of one number each. `dx` is dy inside and at the bounds, 0 outside; each bound gets the
 * sum of dy over the values beyond it.
 *
 * @throws ShapeError for bounds of more than one number, DTypeError for types that are not one float type
 */
export function clampLearned(x: Tensor, lower: Tensor, upper: Tensor): Tensor {
  return apply(clampLearnedOp, [x, lower, upper], {});
}
