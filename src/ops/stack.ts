/** Concatenation along a new axis. */
import {
  ArgumentError,
  DTypeError,
  formatShape,
  NDArray,
  normalizeAxis,
  sameShape,
  ShapeError,
  stridesOf,
  type ArraySpec,
} from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyRegion, whole, type Region } from './region.js';

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

/** The place of input i in the stacked array. */
function layer(stacked: NDArray, axis: number, i: number): Region {
  const strides = stridesOf(stacked.shape);
  return { data: stacked.data, offset: i * strides[axis], strides: strides.filter((_, k) => k !== axis) };
}

/** Inputs: the tensors in order. */
export const stackOp: OpDef<StackAttrs> = {
  name: 'stack',
  infer: inferStack,
  forward(ctx, inputs, attrs) {
    const { shape, dtype } = inferStack(inputs, attrs);
    const y = NDArray.zeros(shape, dtype);
    inputs.forEach((a, i) => {
      const from = whole(a);
      copyRegion(from, layer(y, attrs.axis, i), a.shape);
    });
    ctx.save(...inputs);
    return y;
  },
  backward(ctx, grad, { axis }) {
    return ctx.saved.map((a, i) => {
      if (!ctx.needsGrad[i]) return null;
      const dx = NDArray.like(a);
      copyRegion(layer(grad, axis, i), { data: dx.data, offset: 0, strides: stridesOf(a.shape) }, a.shape);
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
