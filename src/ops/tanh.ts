/** Hyperbolic tangent. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const tanhOp = unary('tanh', 'output', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]);
  },
  backward(g, y, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] * (1 - y[i] * y[i]);
  },
});

export function tanh(x: Tensor): Tensor {
  return apply(tanhOp, [x], NO_ATTRS);
}
