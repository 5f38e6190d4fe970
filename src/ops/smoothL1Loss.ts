/** Absolute error with a rounded tip (Girshick 2015, arXiv:1504.08083, where beta is 1). */
import { ArgumentError } from '../core/index.js';
import { apply, type Tensor } from '../autograd/index.js';
import type { LossAttrs } from './mseLoss.js';
import { differenceLoss } from './pointwiseLoss.js';

export interface SmoothL1LossAttrs extends LossAttrs {
  /** Where the square turns into the line; 0 makes it the L1 loss. */
  readonly beta: number;
}

export const smoothL1LossOp = differenceLoss<SmoothL1LossAttrs>(
  'smoothL1Loss',
  (d, { beta }) => (Math.abs(d) < beta ? (0.5 * d * d) / beta : Math.abs(d) - 0.5 * beta),
  (d, { beta }) => (Math.abs(d) < beta ? d / beta : Math.sign(d)),
);

/** With d = x - target: d^2 / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere. */
export function smoothL1Loss(
  x: Tensor,
  target: Tensor,
  { reduction = 'mean', beta = 1 }: Partial<SmoothL1LossAttrs> = {},
): Tensor {
  if (!(beta >= 0)) throw new ArgumentError(`beta: smoothL1Loss got ${beta}; it must be >= 0`);
  return apply(smoothL1LossOp, [x, target], { reduction, beta });
}
