/** Squared error that turns linear (Huber 1964, "Robust estimation of a location parameter"). */
import { ArgumentError } from '../core/index.js';
import { apply, type Tensor } from '../autograd/index.js';
import type { LossAttrs } from './mseLoss.js';
import { differenceLoss } from './pointwiseLoss.js';

export interface HuberLossAttrs extends LossAttrs {
  /** Where the square turns into the line. */
  readonly delta: number;
}

export const huberLossOp = differenceLoss<HuberLossAttrs>(
  'huberLoss',
  (d, { delta }) => (Math.abs(d) <= delta ? 0.5 * d * d : delta * (Math.abs(d) - 0.5 * delta)),
  (d, { delta }) => (Math.abs(d) <= delta ? d : delta * Math.sign(d)),
);

/** With d = x - target: d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere. */
export function huberLoss(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean', delta = 1 }: Partial<HuberLossAttrs> = {},
): Tensor {
  if (!(delta > 0)) throw new ArgumentError(`delta: huberLoss got ${delta}; it must be > 0`);
  return apply(huberLossOp, [x, target], { reduction, delta });
}
