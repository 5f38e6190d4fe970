/**
 * Walking broadcast or permuted operands: axes that step alike are merged, and the innermost one is handed out as a
 * strip, so that the loop over elements can sit in the op itself. A loop shared by all ops, with a callback per element,
 * is one that V8 cannot inline into: measured 13 ns per element against 3 (Node 20; a bare loop over two arrays takes 2).
 */
import type { Shape } from '../core/index.js';

/** Element `i` of the strip of operand `k` is at `offsets[k] + i * steps[k]`. The arrays are reused between calls. */
export type StripVisitor = (length: number, offsets: readonly number[], steps: readonly number[]) => void;

/** Visits `shape` in row-major order. `strides[k]` are the strides of operand `k` along the axes of `shape`. */
export function eachStrip(shape: Shape, strides: readonly (readonly number[])[], visit: StripVisitor): void {
  if (shape.includes(0)) return;
  const sizes: number[] = [];
  const merged = strides.map((): number[] => []);
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    if (last >= 0 && merged.every((m, k) => m[last] === strides[k][axis] * size)) {
      sizes[last] *= size;
      merged.forEach((m, k) => (m[last] = strides[k][axis]));
    } else {
      sizes.push(size);
      merged.forEach((m, k) => m.push(strides[k][axis]));
    }
  });
  const length = sizes.pop() ?? 1;
  const steps = merged.map((m) => m.pop() ?? 0);
  const offsets = strides.map(() => 0);
  const index = sizes.map(() => 0);
  for (;;) {
    visit(length, offsets, steps);
    let axis = sizes.length - 1;
    for (; axis >= 0 && index[axis] === sizes[axis] - 1; axis--) {
      for (let k = 0; k < offsets.length; k++) offsets[k] -= merged[k][axis] * index[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
    index[axis]++;
    for (let k = 0; k < offsets.length; k++) offsets[k] += merged[k][axis];
  }
}
