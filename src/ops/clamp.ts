/** x limited to [min, max]; the gradient is 1 inside and at the bounds, 0 outside. NaN stays NaN. */
import { apply, type Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import { unary } from './unary.js';

export interface ClampAttrs {
  /** -Infinity when there is no lower bound. */
  readonly min: number;
  /** Infinity when there is no upper bound. */
  readonly max: number;
}

export const clampOp = unary<ClampAttrs>('clamp', 'input', {
  forward(x, y, { min, max }) {
    for (let i = 0; i < y.length; i++) y[i] = x[i] < min ? min : x[i] > max ? max : x[i];
  },
  backward(g, x, dx, { min, max }) {
    for (let i = 0; i < dx.length; i++) dx[i] = x[i] >= min && x[i] <= max ? g[i] : 0;
  },
});

/** Give min, max or both. Throws ArgumentError for none, NaN, or min > max. */
export function clamp(x: Tensor, bounds: Partial<ClampAttrs>): Tensor {
  const { min = -Infinity, max = Infinity } = bounds;
  if (bounds.min === undefined && bounds.max === undefined)
    throw new ArgumentError('min, max: clamp needs at least one of them');
  if (!(min <= max))
    throw new ArgumentError(`min, max: clamp got ${min} and ${max}; min must not exceed max`);
  return apply(clampOp, [x], { min, max });
}
