/** What losses of one prediction and one target of the same shape share: a formula, its derivatives, a reduction. */
import { NDArray } from '../core/index.js';
import type { OpDef } from '../autograd/index.js';
import { checkFloats, checkSameShape, floats } from './checks.js';
import { checkReduction } from './reduction.js';

export interface PointwiseLoss<A> {
  value(x: number, target: number, attrs: A): number;
  /** The derivative by x. */
  dx(x: number, target: number, attrs: A): number;
  /** The derivative by the target. */
  dtarget(x: number, target: number, attrs: A): number;
}

/** What the sum is divided by, or null for a loss per element. */
function divisor(reduction: string, x: NDArray): number | null {
  switch (reduction) {
    case 'none':
      return null;
    case 'sum':
      return 1;
    case 'batchmean':
      return x.shape[0] ?? 1;
    default:
      return x.size;
  }
}

/** `reductions` are those that the loss offers, beyond 'mean', 'sum' and 'none' possibly 'batchmean': sum / x.shape[0]. */
export function pointwiseLoss<A extends { readonly reduction: string }>(
  name: string,
  loss: PointwiseLoss<A>,
  reductions: readonly string[] = ['mean', 'sum', 'none'],
): OpDef<A> {
  return {
    name,
    infer([x, target], { reduction }) {
      checkFloats(name, { x, target });
      checkSameShape(name, 'target', target, 'x', x);
      checkReduction(name, reduction, reductions);
      return reduction === 'none' ? x : { shape: [], dtype: x.dtype };
    },
    forward(ctx, [x, target], attrs) {
      ctx.save(x, target);
      const [p, t] = [floats(x), floats(target)];
      const over = divisor(attrs.reduction, x);
      if (over === null) {
        const y = NDArray.like(x);
        for (let i = 0; i < p.length; i++) y.data[i] = loss.value(p[i], t[i], attrs);
        return y;
      }
      let sum = 0;
      for (let i = 0; i < p.length; i++) sum += loss.value(p[i], t[i], attrs);
      return NDArray.full([], sum / over, x.dtype);
    },
    backward({ saved: [x, target], needsGrad }, grad, attrs) {
      const [p, t, g] = [floats(x), floats(target), floats(grad)];
      const over = divisor(attrs.reduction, x);
      const chain = (derivative: PointwiseLoss<A>['dx']): NDArray => {
        const out = NDArray.like(x);
        for (let i = 0; i < p.length; i++)
          out.data[i] = (over === null ? g[i] : g[0] / over) * derivative(p[i], t[i], attrs);
        return out;
      };
      return [needsGrad[0] ? chain(loss.dx) : null, needsGrad[1] ? chain(loss.dtarget) : null];
    },
  };
}

/** A loss that depends on x - target only. */
export function differenceLoss<A extends { readonly reduction: string }>(
  name: string,
  value: (d: number, attrs: A) => number,
  derivative: (d: number, attrs: A) => number,
): OpDef<A> {
  return pointwiseLoss<A>(name, {
    value: (x, t, attrs) => value(x - t, attrs),
    dx: (x, t, attrs) => derivative(x - t, attrs),
    dtarget: (x, t, attrs) => -derivative(x - t, attrs),
  });
}
