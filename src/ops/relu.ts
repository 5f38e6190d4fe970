/** max(x, 0); the gradient at 0 is 0. NaN stays NaN. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const reluOp = unary('relu', 'output', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] <= 0 ? 0 : x[i];
  },
  backward(g, y, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = y[i] <= 0 ? 0 : g[i];
  },
});

export function relu(x: Tensor): Tensor {
  return apply(reluOp, [x], NO_ATTRS);
}
