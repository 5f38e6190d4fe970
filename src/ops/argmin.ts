/** The position of the smallest element along an axis. */
import { apply, noGrad, type Tensor } from '../autograd/index.js';
import { argExtremum, axisAttrs, type AxisOptions } from './extremum.js';

export const argminOp = argExtremum('argmin', -1);

/** int32; the first of equals. Has no gradient. */
export function argmin(x: Tensor, options: AxisOptions): Tensor {
  return noGrad(() => apply(argminOp, [x], axisAttrs(x, options)));
}
