/** Slices of one axis, in the order of an index vector. */
import { formatShape, NDArray, normalizeAxis, ShapeError, sizeOf, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkIndices, checkIndexValues } from './indices.js';

export interface IndexSelectAttrs {
  /** 0 .. rank - 1 */
  readonly axis: number;
}

function inferIndexSelect([x, index]: readonly ArraySpec[], { axis }: IndexSelectAttrs): ArraySpec {
  checkIndices('indexSelect', 'index', index);
  if (index.shape.length !== 1)
    throw new ShapeError(`index: indexSelect got shape ${formatShape(index.shape)}; it must be a vector`);
  return { shape: x.shape.map((d, i) => (i === axis ? index.shape[0] : d)), dtype: x.dtype };
}

/** Inputs: x, index. */
export const indexSelectOp: OpDef<IndexSelectAttrs> = {
  name: 'indexSelect',
  infer: inferIndexSelect,
  forward(ctx, [x, index], attrs) {
    const size = x.shape[attrs.axis];
    checkIndexValues('indexSelect', 'index', index, size);
    const y = NDArray.zeros(inferIndexSelect([x, index], attrs).shape, x.dtype);
    const inner = sizeOf(x.shape.slice(attrs.axis + 1));
    const outer = sizeOf(x.shape.slice(0, attrs.axis));
    let out = 0;
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < index.size; i++) {
        const at = (o * size + index.data[i]) * inner;
        for (let k = 0; k < inner; k++) y.data[out++] = x.data[at + k];
      }
    ctx.save(x, index);
    return y;
  },
  backward(ctx, grad, { axis }) {
    const [x, index] = ctx.saved;
    const dx = NDArray.like(x);
    const size = x.shape[axis];
    const inner = sizeOf(x.shape.slice(axis + 1));
    const outer = sizeOf(x.shape.slice(0, axis));
    let from = 0;
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < index.size; i++) {
        const at = (o * size + index.data[i]) * inner;
        for (let k = 0; k < inner; k++) dx.data[at + k] += grad.data[from++];
      }
    return [dx, null];
  },
};

/**
 * `y[..., i, ...] = x[..., index[i], ...]` on `axis`; indices may repeat.
 *
 * @param x any dtype
 * @param index int32 vector, 0 .. x.shape[axis] - 1
 * @returns the shape of x with index.length on `axis`
 * @throws ArgumentError for an index outside the axis
 */
export function indexSelect(x: Tensor, index: Tensor, { axis }: { axis: number }): Tensor {
  return apply(indexSelectOp, [x, index], { axis: normalizeAxis(axis, x.rank) });
}
