/** relu6(x + 3) / 6; the gradient at -3 and at 3 is 0. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

/** The slope as PyTorch has it, a float32 constant in every precision: 3e-8 (relative) above 1/6. */
const SIXTH = Math.fround(1 / 6);

export const hardsigmoidOp = unary('hardsigmoid', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(x[i] + 3, 0), 6) / 6;
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] > -3 && x[i] < 3 ? g[i] * SIXTH : 0;
  },
});

export function hardsigmoid(x: Tensor): Tensor {
  return apply(hardsigmoidOp, [x], NO_ATTRS);
}
