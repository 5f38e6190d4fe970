/** x - log sum e^x along an axis, without overflow. */
import { NDArray, normalizeAxis } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { eachLine, viewAxis } from './axis.js';
import { checkFloats, floats } from './checks.js';
import { logSumExpAt } from './logsumexp.js';
import type { SoftmaxAttrs } from './softmax.js';

export const logSoftmaxOp: OpDef<SoftmaxAttrs> = {
  name: 'logSoftmax',
  infer([x]) {
    checkFloats('logSoftmax', { x });
    return x;
  },
  forward(ctx, [x], { axis }) {
    const y = NDArray.like(x);
    const [dx, dy] = [floats(x), floats(y)];
    const view = viewAxis(x.shape, axis);
    eachLine(view, (start) => {
      const lse = logSumExpAt(dx, start, view.n, view.inner);
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) dy[at] = dx[at] - lse;
    });
    ctx.save(y);
    return y;
  },
  /** dx = g - e^y sum(g) */
  backward({ saved: [y] }, grad, { axis }) {
    const out = NDArray.like(y);
    const [dy, g, dx] = [floats(y), floats(grad), floats(out)];
    const view = viewAxis(y.shape, axis);
    eachLine(view, (start) => {
      let sum = 0;
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) sum += g[at];
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) dx[at] = g[at] - Math.exp(dy[at]) * sum;
    });
    return [out];
  },
};

/** Of the shape of `x`. */
export function logSoftmax(x: Tensor, { axis = -1 }: Partial<SoftmaxAttrs> = {}): Tensor {
  return apply(logSoftmaxOp, [x], { axis: normalizeAxis(axis, x.rank) });
}
