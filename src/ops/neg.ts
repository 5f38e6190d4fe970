/** -x */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const negOp = unary('neg', 'input', {
  forward: (x, y) => map('neg', [x], [y]),
  backward: (g, _x, dx) => map('neg', [g], [dx]),
});

export function neg(x: Tensor): Tensor {
  return apply(negOp, [x], NO_ATTRS);
}
