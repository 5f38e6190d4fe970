/** The position of the largest element along an axis. */
import { apply, noGrad, type Tensor } from '../autograd/index.js';
import { argExtremum, axisAttrs, type AxisOptions } from './extremum.js';

export const argmaxOp = argExtremum('argmax', 1);

/** int32; the first of equals. Has no gradient. */
export function argmax(x: Tensor, options: AxisOptions): Tensor {
  return noGrad(() => apply(argmaxOp, [x], axisAttrs(x, options)));
}
