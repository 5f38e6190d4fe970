/** log sum e^x along an axis, without overflow. */
import { NDArray, normalizeAxis, type FloatArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { eachLine, viewAxis } from './axis.js';
import { checkFloats, floats } from './checks.js';
import { reducedShape } from './reduce.js';

export interface LogsumexpAttrs {
  readonly axis: number;
  readonly keepdim: boolean;
}

/** log sum e^x over `n` elements that are `step` apart. */
export function logSumExpAt(x: FloatArray, start: number, n: number, step: number): number {
  let top = -Infinity;
  for (let i = 0, at = start; i < n; i++, at += step) top = Math.max(top, x[at]);
  if (!Number.isFinite(top)) return top;
  let sum = 0;
  for (let i = 0, at = start; i < n; i++, at += step) sum += Math.exp(x[at] - top);
  return top + Math.log(sum);
}

export const logsumexpOp: OpDef<LogsumexpAttrs> = {
  name: 'logsumexp',
  infer([x], { axis, keepdim }) {
    checkFloats('logsumexp', { x });
    return { shape: reducedShape(x.shape, [axis], keepdim), dtype: x.dtype };
  },
  forward(ctx, [x], { axis, keepdim }) {
    const y = NDArray.zeros(reducedShape(x.shape, [axis], keepdim), x.dtype);
    const view = viewAxis(x.shape, axis);
    eachLine(view, (start, line) => {
      y.data[line] = logSumExpAt(floats(x), start, view.n, view.inner);
    });
    ctx.save(x, y);
    return y;
  },
  /** dx = g e^(x - y) */
  backward({ saved: [x, y] }, g, { axis }) {
    const dx = NDArray.like(x);
    const view = viewAxis(x.shape, axis);
    eachLine(view, (start, line) => {
      for (let i = 0, at = start; i < view.n; i++, at += view.inner)
        dx.data[at] = g.data[line] * Math.exp(x.data[at] - y.data[line]);
    });
    return [dx];
  },
};

/** `x` without `axis`, or with size 1 there when `keepdim`. */
export function logsumexp(x: Tensor, { axis, keepdim = false }: { axis: number; keepdim?: boolean }): Tensor {
  return apply(logsumexpOp, [x], { axis: normalizeAxis(axis, x.rank), keepdim });
}
