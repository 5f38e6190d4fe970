/** Absolute error. */
import { apply, type Tensor } from '../autograd/index.js';
import type { LossAttrs } from './mseLoss.js';
import { differenceLoss } from './pointwiseLoss.js';

export const l1LossOp = differenceLoss<LossAttrs>('l1Loss', Math.abs, Math.sign);

/** |x - target|. `x` and `target` have one shape. The gradient at equality is 0. */
export function l1Loss(x: Tensor, target: Tensor, { reduction = 'mean' }: Partial<LossAttrs> = {}): Tensor {
  return apply(l1LossOp, [x, target], { reduction });
}
