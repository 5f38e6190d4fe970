/** e^x */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const expOp = unary('exp', 'output', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = Math.exp(x[i]);
  },
  backward(g, y, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] * y[i];
  },
});

export function exp(x: Tensor): Tensor {
  return apply(expOp, [x], NO_ATTRS);
}
