/** An array seen from one of its axes: [outer, n, inner]. */
import { sizeOf, type Shape } from '../core/index.js';

export interface AxisView {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

export function viewAxis(shape: Shape, axis: number): AxisView {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

/** Visits the lines along the axis: the line's number, and the position of its first element. Elements are `inner` apart. */
export function eachLine({ outer, n, inner }: AxisView, visit: (start: number, line: number) => void): void {
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) visit(o * n * inner + i, o * inner + i);
}
