/** max(x, 0); the gradient at 0 is 0. NaN stays NaN. */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { map } from './map.js';
import { unary } from './unary.js';

export const reluOp = unary('relu', 'output', {
  forward: (x, y) => map('relu', [x], [y]),
  backward: (g, kept, dx) => map('reluGrad', [g, kept], [dx]),
});

export function relu(x: Tensor): Tensor {
  return apply(reluOp, [x], NO_ATTRS);
}
