/** min(max(x, 0), 6); the gradient at 0 and at 6 is 0. NaN stays NaN. */
import { apply, type Tensor } from '../autograd/index.js';
import { bitsOf, INFINITY_BITS } from './bits.js';
import { NO_ATTRS } from './checks.js';
import { unary } from './unary.js';

const SIX_BITS = 0x40c00000;

/** See relu.ts; what is above 6 is rare, and a branch on it is predicted well. */
function forwardBits(x: Int32Array, y: Int32Array): void {
  for (let i = 0; i < y.length; i++) {
    const v = x[i];
    const isNaN = (INFINITY_BITS - (v & 0x7fffffff)) >> 31;
    const kept = v & (~(v >> 31) | isNaN);
    y[i] = kept > SIX_BITS && isNaN === 0 ? SIX_BITS : kept;
  }
}

/** All ones where 0 < x < 6. */
function backwardBits(g: Int32Array, x: Int32Array, dx: Int32Array): void {
  for (let i = 0; i < dx.length; i++) {
    const v = x[i];
    dx[i] = g[i] & (-v >> 31) & ~(v >> 31) & ((v - SIX_BITS) >> 31);
  }
}

export const relu6Op = unary('relu6', 'input', {
  forward(x, y) {
    if (x instanceof Float32Array) forwardBits(bitsOf(x), bitsOf(y));
    else for (let i = 0; i < y.length; i++) y[i] = x[i] <= 0 ? 0 : x[i] >= 6 ? 6 : x[i];
  },
  backward(g, x, dx) {
    if (g instanceof Float32Array) backwardBits(bitsOf(g), bitsOf(x), bitsOf(dx));
    else for (let i = 0; i < dx.length; i++) dx[i] = x[i] <= 0 || x[i] >= 6 ? 0 : g[i];
  },
});

export function relu6(x: Tensor): Tensor {
  return apply(relu6Op, [x], NO_ATTRS);
}
