/** Elements picked along one axis, an index for each element of the result. */
import { formatShape, NDArray, normalizeAxis, ShapeError, stridesOf } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkIndices, checkIndexValues } from './indices.js';

export interface GatherAttrs {
  /** 0 .. rank - 1 */
  readonly axis: number;
}

/** Where in x each element of the result comes from. */
function sources(x: NDArray, index: NDArray, axis: number): NDArray {
  const strides = stridesOf(x.shape);
  const out = NDArray.zeros(index.shape, 'int32');
  let next = 0;
  const walk = (dimension: number, offset: number): void => {
    if (dimension === index.rank) {
      out.data[next] = offset + index.data[next] * strides[axis];
      next++;
      return;
    }
    const step = dimension === axis ? 0 : strides[dimension];
    for (let i = 0; i < index.shape[dimension]; i++) walk(dimension + 1, offset + i * step);
  };
  walk(0, 0);
  return out;
}

/** Inputs: x, index. */
export const gatherOp: OpDef<GatherAttrs> = {
  name: 'gather',
  infer([x, index], { axis }) {
    checkIndices('gather', 'index', index);
    const fits =
      index.shape.length === x.shape.length && index.shape.every((d, i) => i === axis || d <= x.shape[i]);
    if (!fits)
      throw new ShapeError(
        `index: gather got shape ${formatShape(index.shape)}; it needs the rank of x, ${formatShape(x.shape)}, and no larger size outside axis ${axis}`,
      );
    return { shape: index.shape, dtype: x.dtype };
  },
  forward(ctx, [x, index], { axis }) {
    checkIndexValues('gather', 'index', index, x.shape[axis]);
    const y = NDArray.zeros(index.shape, x.dtype);
    const from = sources(x, index, axis);
    for (let i = 0; i < y.size; i++) y.data[i] = x.data[from.data[i]];
    ctx.save(x, from);
    return y;
  },
  backward(ctx, grad) {
    const [x, from] = ctx.saved;
    const dx = NDArray.like(x);
    for (let i = 0; i < grad.size; i++) dx.data[from.data[i]] += grad.data[i];
    return [dx, null];
  },
};

/**
 * `y[i][j][k] = x[i][index[i][j][k]][k]` (here for axis 1).
 *
 * @param x any dtype
 * @param index int32 of the rank of x, values 0 .. x.shape[axis] - 1
 * @returns the shape of index
 * @throws ArgumentError for an index outside the axis
 */
export function gather(x: Tensor, index: Tensor, { axis }: { axis: number }): Tensor {
  return apply(gatherOp, [x, index], { axis: normalizeAxis(axis, x.rank) });
}
