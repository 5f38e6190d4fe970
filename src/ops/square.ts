/** x * x */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const squareOp = unary('square', 'input', {
  forward: (x, y) => map('square', [x], [y]),
  backward(g, x, dx) {
    map('mul', [g, x], [dx]);
    map('add', [dx, dx], [dx]);
  },
});

export function square(x: Tensor): Tensor {
  return apply(squareOp, [x], NO_ATTRS);
}
