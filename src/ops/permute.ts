/** Reorders axes. */
import { ArgumentError, normalizeAxis, stridesOf } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { stridedCopy } from './reduce.js';

export interface PermuteAttrs {
  /** Axis i of the result is axis perm[i] of x. Non-negative. */
  readonly perm: readonly number[];
}

export const permuteOp: OpDef<PermuteAttrs> = {
  name: 'permute',
  infer([x], { perm }) {
    if (perm.length !== x.shape.length || new Set(perm).size !== perm.length)
      throw new ArgumentError(
        `perm: [${perm.join(', ')}] does not name each of the ${x.shape.length} axes of x once`,
      );
    return { shape: perm.map((p) => x.shape[p]), dtype: x.dtype };
  },
  forward(_, [x], { perm }) {
    const strides = stridesOf(x.shape);
    return stridedCopy(
      x,
      perm.map((p) => x.shape[p]),
      perm.map((p) => strides[p]),
    );
  },
  backward(_, g, { perm }) {
    const strides = stridesOf(g.shape);
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return [
      stridedCopy(
        g,
        inverse.map((p) => g.shape[p]),
        inverse.map((p) => strides[p]),
      ),
    ];
  },
};

/** Any element type. Axis i of the result is axis `perm[i]` of `x`. */
export function permute(x: Tensor, perm: readonly number[]): Tensor {
  return apply(permuteOp, [x], { perm: perm.map((p) => normalizeAxis(p, x.rank, 'perm')) });
}
