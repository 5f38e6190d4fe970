/** x times the normal distribution function, exactly or by its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415). */
import { ArgumentError } from '../core/index.js';
import { apply, type Tensor } from '../autograd/index.js';
import { erf } from './erf.js';
import { unary } from './unary.js';

export interface GeluAttrs {
  readonly approximate: 'none' | 'tanh';
}

const { SQRT1_2, PI } = Math;
/** tanh form: x / 2 * (1 + tanh(SCALE * (x + CUBE * x^3))) */
const SCALE = Math.sqrt(2 / PI);
const CUBE = 0.044715;
/** The normal density at 0. */
const DENSITY = 1 / Math.sqrt(2 * PI);

export const geluOp = unary<GeluAttrs>('gelu', 'input', {
  forward(x, y, { approximate }) {
    if (approximate === 'none')
      for (let i = 0; i < y.length; i++) y[i] = 0.5 * x[i] * (1 + erf(x[i] * SQRT1_2));
    else
      for (let i = 0; i < y.length; i++)
        y[i] = 0.5 * x[i] * (1 + Math.tanh(SCALE * (x[i] + CUBE * x[i] ** 3)));
  },
  backward(g, x, dx, { approximate }) {
    if (approximate === 'none')
      for (let i = 0; i < dx.length; i++) {
        const v = x[i];
        dx[i] = g[i] * (0.5 * (1 + erf(v * SQRT1_2)) + v * DENSITY * Math.exp(-0.5 * v * v));
      }
    else
      for (let i = 0; i < dx.length; i++) {
        const v = x[i];
        const t = Math.tanh(SCALE * (v + CUBE * v ** 3));
        dx[i] = g[i] * 0.5 * (1 + t + v * (1 - t * t) * SCALE * (1 + 3 * CUBE * v * v));
      }
  },
});

/** `approximate: 'tanh'` differs from the exact form by up to 5e-4. */
export function gelu(x: Tensor, { approximate = 'none' }: Partial<GeluAttrs> = {}): Tensor {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new ArgumentError(`approximate: '${String(approximate)}' is unknown to gelu; use 'none' or 'tanh'`);
  return apply(geluOp, [x], { approximate });
}
