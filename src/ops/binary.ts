/** What elementwise ops of two broadcast tensors share: shape inference, the call of the kernel, numbers as operands. */
import {
  ArgumentError,
  broadcastShapes,
  NDArray,
  type ArraySpec,
  type DType,
  type Shape,
} from '../core/index.js';
import type { MapFunction } from '../../kernels/index.js';
import { full, Tensor } from '../autograd/index.js';
import { checkFloats, floats } from './checks.js';
import { map } from './map.js';
import { broadcastTo } from './reduce.js';

export function inferBinary(op: string, [a, b]: readonly ArraySpec[]): ArraySpec {
  checkFloats(op, { a, b });
  return { shape: broadcastShapes(a.shape, b.shape, op), dtype: a.dtype };
}

/**
 * How many consecutive elements of `to` each element of `from` serves, when it is broadcast along leading and trailing axes
 * only; 0 where axes between are repeated too.
 */
function runLength(from: Shape, to: Shape): number {
  const lead = to.length - from.length;
  const sizeAt = (axis: number): number => (axis < lead ? 1 : from[axis - lead]);
  let axis = to.length - 1;
  let run = 1;
  for (; axis >= 0 && sizeAt(axis) === 1; axis--) run *= to[axis];
  while (axis >= 0 && sizeAt(axis) === to[axis]) axis--;
  while (axis >= 0 && sizeAt(axis) === 1) axis--;
  return axis < 0 ? run : 0;
}

/** `fn` of `a` and `b`, broadcast against each other. */
export function zip(fn: MapFunction, a: NDArray, b: NDArray): NDArray {
  const shape = broadcastShapes(a.shape, b.shape);
  const y = NDArray.empty(shape, a.dtype);
  let repeats = false;
  let inner = 1;
  const x = [a, b].map((operand) => {
    if (operand.size === y.size || operand.size === 1) return floats(operand);
    const run = runLength(operand.shape, shape);
    // the kernel knows one way to repeat
    if (run === 0 || repeats) return floats(broadcastTo(operand, shape));
    repeats = true;
    inner = run;
    return floats(operand);
  });
  map(fn, x, [floats(y)], [], inner);
  return y;
}

/** -x */
export function negated(x: NDArray): NDArray {
  return zip('sub', NDArray.zeros([], x.dtype), x);
}

/** Numbers become scalar constants of the other operand's type. Throws ArgumentError when both are numbers. */
export function operands(op: string, a: Tensor | number, b: Tensor | number): [Tensor, Tensor] {
  if (a instanceof Tensor) return [a, b instanceof Tensor ? b : constant(b, a.dtype)];
  if (b instanceof Tensor) return [constant(a, b.dtype), b];
  throw new ArgumentError(`a, b: ${op} got the numbers ${a} and ${b}; one of them must be a tensor`);
}

function constant(value: number, dtype: DType): Tensor {
  return full([], value, { dtype });
}
