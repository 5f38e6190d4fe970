/** Focal loss of logits (Lin et al. 2017, "Focal loss for dense object detection", arXiv:1708.02002). */
import { apply, type Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import type { LossAttrs } from './mseLoss.js';
import { pointwiseLoss } from './pointwiseLoss.js';

export interface FocalLossAttrs extends LossAttrs {
  /** Weight of targets of 1; those of 0 have the rest. */
  readonly alpha: number;
  /** How much less easy examples count; 0 is cross entropy. */
  readonly gamma: number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** log(1 + exp(x)), which cannot overflow */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** The loss of the target 1, without alpha: -(1 - p)^gamma log p, where p = sigmoid(x). That of 0 is the same of -x. */
const focal = (x: number, gamma: number): number => sigmoid(-x) ** gamma * softplus(-x);
const focalSlope = (x: number, gamma: number): number =>
  -(sigmoid(-x) ** gamma) * (gamma * sigmoid(x) * softplus(-x) + sigmoid(-x));

export const sigmoidFocalLossOp = pointwiseLoss<FocalLossAttrs>('sigmoidFocalLoss', {
  value: (x, t, { alpha, gamma }) => alpha * t * focal(x, gamma) + (1 - alpha) * (1 - t) * focal(-x, gamma),
  dx: (x, t, { alpha, gamma }) =>
    alpha * t * focalSlope(x, gamma) - (1 - alpha) * (1 - t) * focalSlope(-x, gamma),
  dtarget: (x, _, { alpha, gamma }) => alpha * focal(x, gamma) - (1 - alpha) * focal(-x, gamma),
});

/**
 * -alpha t (1 - p)^gamma log p - (1 - alpha) (1 - t) p^gamma log(1 - p), where p = sigmoid(x), for targets t in [0, 1] of
 * the shape of `x`. The paper's alpha 0.25 and gamma 2 are the defaults.
 *
 * @throws ArgumentError for alpha outside [0, 1] and for a negative gamma
 */
export function sigmoidFocalLoss(
  x: Tensor,
  target: Tensor,
  { alpha = 0.25, gamma = 2, reduction = 'mean' }: Partial<FocalLossAttrs> = {},
): Tensor {
  if (!(alpha >= 0 && alpha <= 1)) throw new ArgumentError(`alpha: ${alpha} must be 0 to 1`);
  if (!(gamma >= 0)) throw new ArgumentError(`gamma: ${gamma} must be >= 0`);
  return apply(sigmoidFocalLossOp, [x, target], { alpha, gamma, reduction });
}
