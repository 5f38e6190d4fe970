/** Binary cross entropy of logits, in the form that cannot overflow. */
import { apply, type Tensor } from '../autograd/index.js';
import type { LossAttrs } from './mseLoss.js';
import { pointwiseLoss } from './pointwiseLoss.js';

export const bceWithLogitsOp = pointwiseLoss<LossAttrs>('bceWithLogits', {
  value: (x, t) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
  dx: (x, t) => 1 / (1 + Math.exp(-x)) - t,
  dtarget: (x) => -x,
});

/** -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), for targets t in [0, 1] of the shape of `x`. */
export function bceWithLogits(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean' }: Partial<LossAttrs> = {},
): Tensor {
  return apply(bceWithLogitsOp, [x, target], { reduction });
}
