/** x * sigmoid(x), also called swish (Ramachandran et al. 2017, arXiv:1710.05941). */
import { apply, type Tensor } from '../autograd/index.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

export const siluOp = unary('silu', 'input', {
  forward(x, y) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] / (1 + Math.exp(-x[i]));
  },
  backward(g, x, dx) {
    for (let i = 0; i < dx.length; i++) {
      const s = 1 / (1 + Math.exp(-x[i]));
      dx[i] = g[i] * s * (1 + x[i] * (1 - s));
    }
  },
});

export function silu(x: Tensor): Tensor {
  return apply(siluOp, [x], NO_ATTRS);
}
