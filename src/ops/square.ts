/** x * x */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const squareOp = unary('square', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] * x[i];
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = 2 * g[i] * x[i];
  },
});

export function square(x: Tensor): Tensor {
  return apply(squareOp, [x], NO_ATTRS);
}
