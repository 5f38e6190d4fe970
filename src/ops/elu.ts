/** x above 0, alpha * (e^x - 1) below (Clevert et al. 2015, arXiv:1511.07289). */
import { apply, type Tensor } from '../autograd/index.js';
import { unary } from './unary.js';

export interface EluAttrs {
  readonly alpha: number;
}

export const eluOp = unary<EluAttrs>('elu', 'input', {
  forward(x, y, { alpha }) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] > 0 ? x[i] : alpha * Math.expm1(x[i]);
  },
  backward(g, x, dx, { alpha }) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] > 0 ? g[i] : g[i] * alpha * Math.exp(x[i]);
  },
});

export function elu(x: Tensor, { alpha = 1 }: Partial<EluAttrs> = {}): Tensor {
  return apply(eluOp, [x], { alpha });
}
