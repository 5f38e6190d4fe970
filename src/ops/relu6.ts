/** min(max(x, 0), 6); the gradient at 0 and at 6 is 0. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const relu6Op = unary('relu6', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] <= 0 ? 0 : x[i] >= 6 ? 6 : x[i];
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] <= 0 || x[i] >= 6 ? 0 : g[i];
  },
});

export function relu6(x: Tensor): Tensor {
  return apply(relu6Op, [x], NO_ATTRS);
}
