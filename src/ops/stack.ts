/** Concatenation along a new axis. */
import {
  ArgumentError,
  DTypeError,
  formatShape,
  NDArray,
  normalizeAxis,
  sameShape,
  ShapeError,
  sizeOf,
  type ArraySpec,
} from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyChunks } from './chunks.js';

export interface StackAttrs {
  /** Where the new axis is: 0 .. rank of the inputs */
  readonly axis: number;
}

function inferStack(inputs: readonly ArraySpec[], { axis }: StackAttrs): ArraySpec {
  const [first] = inputs;
  inputs.forEach((a, i) => {
    if (a.dtype !== first.dtype)
      throw new DTypeError(`tensors[${i}]: stack got ${a.dtype}, tensors[0] is ${first.dtype}; use one type`);
    if (!sameShape(a.shape, first.shape))
      throw new ShapeError(
        `tensors[${i}]: stack got shape ${formatShape(a.shape)}; it must be that of tensors[0], ${formatShape(first.shape)}`,
      );
  });
  return {
    shape: [...first.shape.slice(0, axis), inputs.length, ...first.shape.slice(axis)],
    dtype: first.dtype,
  };
}

/** Inputs: the tensors in order. */
export const stackOp: OpDef<StackAttrs> = {
  name: 'stack',
  infer: inferStack,
  forward(ctx, inputs, attrs) {
    const { shape, dtype } = inferStack(inputs, attrs);
    const y = NDArray.zeros(shape, dtype);
    const length = sizeOf(shape.slice(attrs.axis + 1));
    const count = sizeOf(shape.slice(0, attrs.axis));
    const step = length * inputs.length;
    inputs.forEach(({ data }, i) =>
      copyChunks({ data, start: 0, step: length }, { data: y.data, start: i * length, step }, length, count),
    );
    ctx.save(...inputs);
    return y;
  },
  backward(ctx, grad, { axis }) {
    const { data, shape } = grad;
    const length = sizeOf(shape.slice(axis + 1));
    const count = sizeOf(shape.slice(0, axis));
    const step = length * shape[axis];
    return ctx.saved.map((a, i) => {
      if (!ctx.needsGrad[i]) return null;
      const dx = NDArray.like(a);
      const to = { data: dx.data, start: 0, step: length };
      copyChunks({ data, start: i * length, step }, to, length, count);
      return dx;
    });
  },
};

/**
 * Joins tensors of one shape along a new axis (default 0; negative counts from the end of the result).
 *
 * @param tensors at least one, of one dtype and shape
 * @throws ArgumentError for an empty list; ShapeError, DTypeError for tensors that do not fit
 */
export function stack(tensors: readonly Tensor[], { axis = 0 }: { axis?: number } = {}): Tensor {
  if (tensors.length === 0) throw new ArgumentError('tensors: stack got none; give at least one');
  return apply(stackOp, tensors, { axis: normalizeAxis(axis, tensors[0].rank + 1) });
}
