/** e^x / sum e^x along an axis. The maximum is subtracted first, so that nothing overflows. */
import { NDArray, normalizeAxis } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { eachLine, viewAxis } from './axis.js';
import { checkFloats, floats } from './checks.js';

export interface SoftmaxAttrs {
  readonly axis: number;
}

export const softmaxOp: OpDef<SoftmaxAttrs> = {
  name: 'softmax',
  infer([x]) {
    checkFloats('softmax', { x });
    return x;
  },
  forward(ctx, [x], { axis }) {
    const y = NDArray.like(x);
    const [dx, dy] = [floats(x), floats(y)];
    const view = viewAxis(x.shape, axis);
    const exps = new Float64Array(view.n);
    eachLine(view, (start) => {
      let top = -Infinity;
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) top = Math.max(top, dx[at]);
      let sum = 0;
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) sum += exps[i] = Math.exp(dx[at] - top);
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) dy[at] = exps[i] / sum;
    });
    ctx.save(y);
    return y;
  },
  /** dx = y (g - sum(g y)) */
  backward({ saved: [y] }, grad, { axis }) {
    const out = NDArray.like(y);
    const [dy, g, dx] = [floats(y), floats(grad), floats(out)];
    const view = viewAxis(y.shape, axis);
    eachLine(view, (start) => {
      let dot = 0;
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) dot += g[at] * dy[at];
      for (let i = 0, at = start; i < view.n; i++, at += view.inner) dx[at] = dy[at] * (g[at] - dot);
    });
    return [out];
  },
};

/** Of the shape of `x`; sums to 1 along `axis`. */
export function softmax(x: Tensor, { axis = -1 }: Partial<SoftmaxAttrs> = {}): Tensor {
  return apply(softmaxOp, [x], { axis: normalizeAxis(axis, x.rank) });
}
