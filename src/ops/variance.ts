/** The variance over axes, composed of ops: the mean of squared deviations. */
import { normalizeAxes, sizeOf } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { mean } from './mean.js';
import { mul } from './mul.js';
import { square } from './square.js';
import { sub } from './sub.js';
import { sum, type ReduceOptions } from './sum.js';

/** Divides by n - 1 when `unbiased` (the default), else by n. Over all axes unless told otherwise. */
export function variance(
  x: Tensor,
  { axes = null, unbiased = true, keepdim = false }: ReduceOptions & { readonly unbiased?: boolean } = {},
): Tensor {
  const over = normalizeAxes(axes, x.rank);
  const n = sizeOf(over.map((a) => x.shape[a]));
  const deviations = sub(x, mean(x, { axes: over, keepdim: true }));
  return mul(sum(square(deviations), { axes: over, keepdim }), 1 / (unbiased ? n - 1 : n));
}
