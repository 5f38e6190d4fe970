/** Adds an axis of size 1. */
import { normalizeAxis } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { reshape } from './reshape.js';

/** The new axis stands at `axis` of the result; -1 adds it at the end. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis(axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
