/** -x */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const negOp = unary('neg', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = -x[i];
  },
  backward(g, _x, dx) {
    for (let i = 0; i < dx.length; i++) dx[i] = -g[i];
  },
});

export function neg(x: Tensor): Tensor {
  return apply(negOp, [x], NO_ATTRS);
}
