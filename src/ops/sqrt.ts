/** Square root; NaN below 0, and an infinite gradient at 0. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const sqrtOp = unary('sqrt', 'output', {
  forward: (x, y) => map('sqrt', [x], [y]),
  backward(g, y, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] / (2 * y[i]);
  },
});

export function sqrt(x: Tensor): Tensor {
  return apply(sqrtOp, [x], NO_ATTRS);
}
