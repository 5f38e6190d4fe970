/** The smallest element along an axis, and where it is. */
import { apply, type Tensor } from '../autograd/index.js';
import { argmin } from './argmin.js';
import { axisAttrs, axisExtremum, type AxisOptions } from './extremum.js';

export const minOp = axisExtremum('min', -1);

/** `values` and int32 `indices`. The gradient goes to the first of equals. Throws ShapeError for an empty axis. */
export function min(x: Tensor, options: AxisOptions): { values: Tensor; indices: Tensor } {
  return { values: apply(minOp, [x], axisAttrs(x, options)), indices: argmin(x, options) };
}
