/** x above 0, negativeSlope * x below; the gradient at 0 is negativeSlope. */
import { apply, type Tensor } from '../autograd/index.js';
import { unary } from './unary.js';

export interface LeakyReluAttrs {
  readonly negativeSlope: number;
}

export const leakyReluOp = unary<LeakyReluAttrs>('leakyRelu', 'input', {
  forward(x, y, { negativeSlope }) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : x[i] * negativeSlope;
  },
  backward(g, x, dx, { negativeSlope }) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] > 0 ? g[i] : g[i] * negativeSlope;
  },
});

export function leakyRelu(x: Tensor, { negativeSlope = 0.01 }: Partial<LeakyReluAttrs> = {}): Tensor {
  return apply(leakyReluOp, [x], { negativeSlope });
}
