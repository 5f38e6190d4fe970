/** The largest element over axes. Equals share the gradient evenly. */
import { apply, type Tensor } from '../autograd/index.js';
import { axesExtremum } from './extremum.js';
import { reduceAttrs, type ReduceOptions } from './sum.js';

export const amaxOp = axesExtremum('amax', 1);

/** Over all axes unless told otherwise. Throws ShapeError where there is no element. */
export function amax(x: Tensor, options: ReduceOptions = {}): Tensor {
  return apply(amaxOp, [x], reduceAttrs(x, options));
}
