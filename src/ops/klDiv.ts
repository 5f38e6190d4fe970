/** The Kullback-Leibler divergence, from log probabilities. */
import { apply, type Tensor } from '../autograd/index.js';
import { pointwiseLoss } from './pointwiseLoss.js';
import type { Reduction } from './reduction.js';

export interface KlDivAttrs {
  readonly reduction: Reduction | 'batchmean';
  readonly logTarget: boolean;
}

export const klDivOp = pointwiseLoss<KlDivAttrs>(
  'klDiv',
  {
    value(x, t, { logTarget }) {
      if (logTarget) return Math.exp(t) * (t - x);
      return t > 0 ? t * (Math.log(t) - x) : 0;
    },
    dx: (_, t, { logTarget }) => (logTarget ? -Math.exp(t) : t > 0 ? -t : 0),
    dtarget(x, t, { logTarget }) {
      if (logTarget) return Math.exp(t) * (t + 1 - x);
      return t > 0 ? Math.log(t) + 1 - x : 0;
    },
  },
  ['mean', 'sum', 'none', 'batchmean'],
);

/**
 * target (log target - x) per element, 0 where the target is 0.
 *
 * @param x log probabilities
 * @param target probabilities, or log probabilities with `logTarget`; the shape of `x`
 * @param options reduction 'batchmean' divides the sum by `x.shape[0]`: the divergence per sample
 */
export function klDiv(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean', logTarget = false }: Partial<KlDivAttrs> = {},
): Tensor {
  return apply(klDivOp, [x, target], { reduction, logTarget });
}
