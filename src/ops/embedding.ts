/** Rows of a table by index. */
import { ArgumentError, formatShape, NDArray, ShapeError } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats, floats } from './checks.js';
import { checkIndices, checkIndexValues } from './indices.js';

export interface EmbeddingAttrs {
  /** the row whose gradient stays 0 */
  readonly paddingIdx: number | null;
}

/** Inputs: indices, weight. */
export const embeddingOp: OpDef<EmbeddingAttrs> = {
  name: 'embedding',
  infer([indices, weight], { paddingIdx }) {
    checkIndices('embedding', 'indices', indices);
    checkFloats('embedding', { weight });
    if (weight.shape.length !== 2)
      throw new ShapeError(
        `weight: embedding got shape ${formatShape(weight.shape)}; it must be [rows, features]`,
      );
    const rows = weight.shape[0];
    if (paddingIdx !== null && !(Number.isInteger(paddingIdx) && paddingIdx >= 0 && paddingIdx < rows))
      throw new ArgumentError(`paddingIdx: ${paddingIdx} must be in 0 .. ${rows - 1}`);
    return { shape: [...indices.shape, weight.shape[1]], dtype: weight.dtype };
  },
  forward(ctx, [indices, weight]) {
    const [rows, features] = weight.shape;
    checkIndexValues('embedding', 'indices', indices, rows);
    const y = NDArray.zeros([...indices.shape, features], weight.dtype);
    const from = floats(weight);
    const to = floats(y);
    for (let i = 0; i < indices.size; i++) {
      const row = indices.data[i] * features;
      for (let k = 0; k < features; k++) to[i * features + k] = from[row + k];
    }
    ctx.save(indices, weight);
    return y;
  },
  backward(ctx, grad, { paddingIdx }) {
    const [indices, weight] = ctx.saved;
    const features = weight.shape[1];
    const dw = NDArray.like(weight);
    const g = floats(grad);
    const to = floats(dw);
    for (let i = 0; i < indices.size; i++) {
      if (indices.data[i] === paddingIdx) continue;
      const row = indices.data[i] * features;
      for (let k = 0; k < features; k++) to[row + k] += g[i * features + k];
    }
    return [null, dw];
  },
};

/**
 * `y[..., k] = weight[indices[...], k]`
 *
 * @param indices int32 of any shape, 0 .. rows - 1
 * @param weight [rows, features], float32 or float64
 * @param options `paddingIdx`: a row that receives no gradient
 * @returns [...indices.shape, features]
 * @throws ArgumentError for an index outside the table
 */
export function embedding(
  indices: Tensor,
  weight: Tensor,
  options: { paddingIdx?: number | null } = {},
): Tensor {
  return apply(embeddingOp, [indices, weight], { paddingIdx: options.paddingIdx ?? null });
}
