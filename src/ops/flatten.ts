/** Merges the trailing axes into one. */
import { normalizeAxis, sizeOf } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { reshape } from './reshape.js';

/** Merges the axes from `start` (default 1: all but the batch) to the last. */
export function flatten(x: Tensor, { start = 1 }: { start?: number } = {}): Tensor {
  const first = normalizeAxis(start, x.rank, 'start');
  return reshape(x, [...x.shape.slice(0, first), sizeOf(x.shape.slice(first))]);
}
