/** Squared error. */
import { apply, type Tensor } from '../autograd/index.js';
import { differenceLoss } from './pointwiseLoss.js';
import type { Reduction } from './reduction.js';

export interface LossAttrs {
  readonly reduction: Reduction;
}

export const mseLossOp = differenceLoss<LossAttrs>(
  'mseLoss',
  (d) => d * d,
  (d) => 2 * d,
);

/** (x - target)^2. `x` and `target` have one shape. */
export function mseLoss(x: Tensor, target: Tensor, { reduction = 'mean' }: Partial<LossAttrs> = {}): Tensor {
  return apply(mseLossOp, [x, target], { reduction });
}
