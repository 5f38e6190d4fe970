/** Nodes that put codes in another order, as cells of consecutive codes and where each comes from. */
import { sizeOf, stridesOf, type Shape } from '../core/index.js';
import type { NodeOf } from '../graph/index.js';

export type MovingNode = NodeOf<'transpose'> | NodeOf<'slice'> | NodeOf<'gather'>;

/** For each axis of the result, the offset in x of each of its elements. */
function offsets(node: MovingNode, x: Shape, y: Shape): number[][] {
  const strides = stridesOf(x);
  const every = (axis: number): number[] => Array.from({ length: x[axis] }, (_, i) => i * strides[axis]);
  switch (node.op) {
    case 'transpose':
      return node.perm.map(every);
    case 'slice':
      // the counts of y: a free batch is taken whole, whatever its size
      return y.map((count, axis) =>
        Array.from({ length: count }, (_, i) => (node.start[axis] + i * node.step[axis]) * strides[axis]),
      );
    case 'gather':
      return x.map((_, axis) =>
        axis === node.axis ? node.indices.map((i) => i * strides[axis]) : every(axis),
      );
  }
}

/** `cell` and `indices` of the kernel; x and y are the shapes with the real batch. */
export function gatherParams(node: MovingNode, x: Shape, y: Shape): { cell: number; indices: Int32Array } {
  const axes = offsets(node, x, y);
  // the last axes that stay as they are make a cell
  let cell = 1;
  while (axes.length > 0) {
    const last = axes[axes.length - 1];
    if (!last.every((offset, i) => offset === i * cell)) break;
    const next = cell * last.length;
    // a cell must also start at a multiple of its size
    if (axes.slice(0, -1).some((axis) => axis.some((offset) => offset % next !== 0))) break;
    cell = next;
    axes.pop();
  }
  const indices = new Int32Array(sizeOf(axes.map((axis) => axis.length)));
  let count = 1;
  for (const axis of axes) {
    // in place, from the end: each prefix becomes one entry per element of this axis
    for (let i = count - 1; i >= 0; i--) {
      const base = indices[i];
      for (let j = axis.length - 1; j >= 0; j--) indices[i * axis.length + j] = base + axis[j] / cell;
    }
    count *= axis.length;
  }
  return { cell, indices };
}
