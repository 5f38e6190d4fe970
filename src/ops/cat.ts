/** Concatenation along an existing axis. */
import {
  ArgumentError,
  DTypeError,
  formatShape,
  NDArray,
  normalizeAxis,
  ShapeError,
  sizeOf,
  type ArraySpec,
} from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { copyChunks } from './chunks.js';

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

/** Where input i, whose chunks along `axis` have `length` elements, lies in the joined array. */
function places(
  inputs: readonly ArraySpec[],
  axis: number,
): { start: number; length: number; count: number }[] {
  const inner = sizeOf(inputs[0].shape.slice(axis + 1));
  const count = sizeOf(inputs[0].shape.slice(0, axis));
  let start = 0;
  return inputs.map((a) => {
    const place = { start, length: a.shape[axis] * inner, count };
    start += place.length;
    return place;
  });
}

/** Inputs: the tensors in order. */
export const catOp: OpDef<CatAttrs> = {
  name: 'cat',
  infer: inferCat,
  forward(ctx, inputs, attrs) {
    const { shape, dtype } = inferCat(inputs, attrs);
    const y = NDArray.zeros(shape, dtype);
    const step = sizeOf(shape.slice(attrs.axis));
    places(inputs, attrs.axis).forEach(({ start, length, count }, i) => {
      const from = { data: inputs[i].data, start: 0, step: length };
      copyChunks(from, { data: y.data, start, step }, length, count);
    });
    ctx.save(...inputs);
    return y;
  },
  backward(ctx, grad, { axis }) {
    const step = sizeOf(grad.shape.slice(axis));
    return places(ctx.saved, axis).map(({ start, length, count }, i) => {
      if (!ctx.needsGrad[i]) return null;
      const dx = NDArray.like(ctx.saved[i]);
      copyChunks({ data: grad.data, start, step }, { data: dx.data, start: 0, step: length }, length, count);
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
