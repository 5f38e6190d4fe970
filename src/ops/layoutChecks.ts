/** Checks of layouts and of per-channel vectors. */
import { formatShape, ShapeError, type ArraySpec } from '../core/index.js';

/** `layout` names one axis per dimension, as in 'N H W C'. */
export function checkLayout(op: string, name: string, a: ArraySpec, layout: string): void {
  const axes = layout.split(' ');
  if (a.shape.length !== axes.length)
    throw new ShapeError(
      `${name}: ${op} got shape ${formatShape(a.shape)}; it must be [${axes.join(', ')}], ${axes.length} dimensions`,
    );
}

/** One element per `what`. */
export function checkVector(op: string, name: string, a: ArraySpec, length: number, what: string): void {
  if (a.shape.length !== 1 || a.shape[0] !== length)
    throw new ShapeError(
      `${name}: ${op} got shape ${formatShape(a.shape)}; it must be [${length}], one value per ${what}`,
    );
}
