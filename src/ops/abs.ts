/** |x|; the gradient at 0 is 0. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const absOp = unary('abs', 'input', {
  forward: (x, y) => map('abs', [x], [y]),
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = g[i] * Math.sign(x[i]);
  },
});

export function abs(x: Tensor): Tensor {
  return apply(absOp, [x], NO_ATTRS);
}
