/** x to the power of a constant; the gradient for exponent 0 is 0 everywhere. */
import { apply, type Tensor } from '../autograd/index.js';
import { unary } from './unary.js';

export interface PowScalarAttrs {
  readonly exponent: number;
}

export const powScalarOp = unary<PowScalarAttrs>('powScalar', 'input', {
  forward(x, y, { exponent }) {
    for (let i = 0; i < y.length; i++) y[i] = Math.pow(x[i], exponent);
  },
  backward(g, x, dx, { exponent }) {
    if (exponent === 0) dx.fill(0);
    else for (let i = 0; i < dx.length; i++) dx[i] = g[i] * exponent * Math.pow(x[i], exponent - 1);
  },
});

export function powScalar(x: Tensor, exponent: number): Tensor {
  return apply(powScalarOp, [x], { exponent });
}
