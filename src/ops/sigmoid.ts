/** 1 / (1 + e^-x), which neither overflows nor yields NaN for any x. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const sigmoidOp = unary('sigmoid', 'output', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = 1 / (1 + Math.exp(-x[i]));
  },
  backward(g, y, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] * y[i] * (1 - y[i]);
  },
});

export function sigmoid(x: Tensor): Tensor {
  return apply(sigmoidOp, [x], NO_ATTRS);
}
