/** Natural logarithm. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const logOp = unary('log', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = Math.log(x[i]);
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] / x[i];
  },
});

export function log(x: Tensor): Tensor {
  return apply(logOp, [x], NO_ATTRS);
}
