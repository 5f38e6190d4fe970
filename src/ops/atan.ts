/** Arc tangent, in (-pi / 2, pi / 2). */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const atanOp = unary('atan', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = Math.atan(x[i]);
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] / (1 + x[i] * x[i]);
  },
});

export function atan(x: Tensor): Tensor {
  return apply(atanOp, [x], NO_ATTRS);
}
