/** Swaps two axes. */
import { normalizeAxis } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { permute } from './permute.js';

/** Swaps the axes `a` and `b`; the last two unless told otherwise. */
export function transpose(x: Tensor, a = -2, b = -1): Tensor {
  const perm = x.shape.map((_, i) => i);
  const first = normalizeAxis(a, x.rank, 'a');
  const second = normalizeAxis(b, x.rank, 'b');
  perm[first] = second;
  perm[second] = first;
  return permute(x, perm);
}
