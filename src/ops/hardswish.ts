/** x * relu6(x + 3) / 6 (Howard et al. 2019, arXiv:1905.02244). */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const hardswishOp = unary('hardswish', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = (x[i] * Math.min(Math.max(x[i] + 3, 0), 6)) / 6;
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] < -3 ? 0 : x[i] <= 3 ? g[i] * (x[i] / 3 + 0.5) : g[i];
  },
});

export function hardswish(x: Tensor): Tensor {
  return apply(hardswishOp, [x], NO_ATTRS);
}
