/** Drops axes of size 1. */
import { formatShape, normalizeAxis, ShapeError } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';
import { reshape } from './reshape.js';

/** Drops `axis`, or every axis of size 1 when none is given. Throws ShapeError when the size of `axis` is not 1. */
export function squeeze(x: Tensor, axis?: number): Tensor {
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((d) => d !== 1),
    );
  const at = normalizeAxis(axis, x.rank);
  if (x.shape[at] !== 1)
    throw new ShapeError(
      `axis: ${axis} of shape ${formatShape(x.shape)} has size ${x.shape[at]}; only 1 can be dropped`,
    );
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}
