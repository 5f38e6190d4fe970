/** What elementwise ops of two broadcast tensors share: shape inference, the walk, numbers as operands. */
import {
  ArgumentError,
  broadcastShapes,
  broadcastStrides,
  NDArray,
  type ArraySpec,
  type DType,
  type FloatArray,
} from '../core/index.js';
import { full, Tensor } from '../autograd/index.js';
import { checkFloats, floats } from './checks.js';
import { eachStrip } from './strips.js';

/**
 * For i < n: y[yo + i] = f(a[ao + i * as], b[bo + i * bs]). Each op writes this loop itself; steps of 0 or 1 make it
 * serve equal shapes, a scalar, a repeated row and every other broadcast.
 */
export type BinaryLoop = (
  n: number,
  a: FloatArray,
  ao: number,
  as: number,
  b: FloatArray,
  bo: number,
  bs: number,
  y: FloatArray,
  yo: number,
) => void;

export function inferBinary(op: string, [a, b]: readonly ArraySpec[]): ArraySpec {
  checkFloats(op, { a, b });
  return { shape: broadcastShapes(a.shape, b.shape, op), dtype: a.dtype };
}

/** Runs `loop` over `a` and `b`, broadcast against each other. */
export function zip(loop: BinaryLoop, a: NDArray, b: NDArray): NDArray {
  const shape = broadcastShapes(a.shape, b.shape);
  const y = NDArray.zeros(shape, a.dtype);
  const [da, db, dy] = [floats(a), floats(b), floats(y)];
  let at = 0;
  eachStrip(
    shape,
    [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)],
    (n, offsets, steps) => {
      loop(n, da, offsets[0], steps[0], db, offsets[1], steps[1], dy, at);
      at += n;
    },
  );
  return y;
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

export const product: BinaryLoop = (n, a, ao, as, b, bo, bs, y, yo) => {
  for (const end = yo + n; yo < end; ao += as, bo += bs) y[yo++] = a[ao] * b[bo];
};
