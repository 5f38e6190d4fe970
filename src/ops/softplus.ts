/** log(1 + e^x); equal to x above 20, as in PyTorch. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

const THRESHOLD = 20;

export const softplusOp = unary('softplus', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] > THRESHOLD ? x[i] : Math.log1p(Math.exp(x[i]));
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] > THRESHOLD ? g[i] : g[i] / (1 + Math.exp(-x[i]));
  },
});

export function softplus(x: Tensor): Tensor {
  return apply(softplusOp, [x], NO_ATTRS);
}
