/** Concatenation along an existing axis. */
import {
  ArgumentError,
  DTypeError,
  formatShape,
  NDArray,
  normalizeAxis,
  ShapeError,
  stridesOf,
  type ArraySpec,
} from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyRegion, whole } from './region.js';

export interface CatAttrs {
  /** 0 .. rank - 1 */
  readonly axis: number;
}

function inferCat(inputs: readonly ArraySpec[], { axis }: CatAttrs): ArraySpec {
  const [first] = inputs;
  const shape = [...first.shape];
  shape[axis] = 0;
  inputs.forEach((a, i) => {
    if (a.dtype !== first.dtype)
      throw new DTypeError(`tensors[${i}]: cat got ${a.dtype}, tensors[0] is ${first.dtype}; use one type`);
    if (a.shape.length !== shape.length || a.shape.some((d, k) => k !== axis && d !== shape[k]))
      throw new ShapeError(
        `tensors[${i}]: cat got shape ${formatShape(a.shape)}; it may differ from ${formatShape(first.shape)} in axis ${axis} only`,
      );
    shape[axis] += a.shape[axis];
  });
  return { shape, dtype: first.dtype };
}

/** Inputs: the tensors in order. */
export const catOp: OpDef<CatAttrs> = {
  name: 'cat',
  infer: inferCat,
  forward(ctx, inputs, attrs) {
    const { shape, dtype } = inferCat(inputs, attrs);
    const y = NDArray.zeros(shape, dtype);
    const strides = stridesOf(shape);
    let offset = 0;
    for (const a of inputs) {
      const from = whole(a);
      copyRegion(from, { data: y.data, offset, strides }, a.shape);
      offset += a.shape[attrs.axis] * strides[attrs.axis];
    }
    ctx.save(...inputs);
    return y;
  },
  backward(ctx, grad, { axis }) {
    const strides = stridesOf(grad.shape);
    let offset = 0;
    return ctx.saved.map((a, i) => {
      const from = { data: grad.data, offset, strides };
      offset += a.shape[axis] * strides[axis];
      if (!ctx.needsGrad[i]) return null;
      const dx = NDArray.like(a);
      copyRegion(from, { data: dx.data, offset: 0, strides: stridesOf(a.shape) }, a.shape);
      return dx;
    });
  },
};

/**
 * Joins tensors along `axis` (default 0); all other sizes are equal.
 *
 * @param tensors at least one, of one dtype and rank
 * @throws ArgumentError for an empty list; ShapeError, DTypeError for tensors that do not fit
 */
export function cat(tensors: readonly Tensor[], { axis = 0 }: { axis?: number } = {}): Tensor {
  if (tensors.length === 0) throw new ArgumentError('tensors: cat got none; give at least one');
  return apply(catOp, tensors, { axis: normalizeAxis(axis, tensors[0].rank) });
}
