/** min(max(x, 0), 6); the gradient at 0 and at 6 is 0. NaN stays NaN. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const relu6Op = unary('relu6', 'input', {
  forward: (x, y) => map('relu6', [x], [y]),
  backward: (g, kept, dx) => map('relu6Grad', [g, kept], [dx]),
});

export function relu6(x: Tensor): Tensor {
  return apply(relu6Op, [x], NO_ATTRS);
}
