/** The largest element along an axis, and where it is. */
import { apply, type Tensor } from '../autograd/index.js';
import { argmax } from './argmax.js';
import { axisAttrs, axisExtremum, type AxisOptions } from './extremum.js';

export const maxOp = axisExtremum('max', 1);

/** `values` and int32 `indices`. The gradient goes to the first of equals. Throws ShapeError for an empty axis. */
export function max(x: Tensor, options: AxisOptions): { values: Tensor; indices: Tensor } {
  return { values: apply(maxOp, [x], axisAttrs(x, options)), indices: argmax(x, options) };
}
