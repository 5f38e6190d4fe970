/** The kernel `map` on plain arrays. */
import type { MapFunction, NumberArray } from '../../kernels/index.js';
import { compute } from './backend.js';

/** y = fn(x, s), element by element; a shorter x is read at `floor(i / inner) mod its length`. */
export function map(
  fn: MapFunction,
  x: readonly NumberArray[],
  y: readonly NumberArray[],
  s: readonly number[] = [],
  inner = 1,
): void {
  compute('map', { fn, inner, x, s, y });
}
