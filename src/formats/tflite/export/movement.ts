/**
 * Padding, slices and transposes. Runtimes take few axes there (TensorFlow Lite 2.9 pads 5), so that of values of many axes
 * those that stay together become one.
 */
import { roundHalfEven } from '../../../../kernels/index.js';
import { sizeOf, type QParams, type Shape } from '../../../core/index.js';
import type { Node, NodeOf, Pair } from '../../../graph/index.js';
import type { TfliteBuiltin, TfliteOptionsOf } from '../types.js';
import { offsetOf, type Exporter } from './exporter.js';
import { constantFor, STRIDED } from './windows.js';
import type { TensorId } from './writer.js';

/** Up to so many axes are written as they are. */
const MANY = 4;

/** Neighbouring axes, of which `together` says which belong to the one before. */
function groupsOf(axes: readonly number[], together: (axis: number, before: number) => boolean): number[][] {
  const groups: number[][] = [];
  axes.forEach((axis, i) => {
    if (i > 0 && together(axis, axes[i - 1])) groups[groups.length - 1].push(axis);
    else groups.push([axis]);
  });
  return groups;
}

const joined = (shape: Shape, groups: readonly (readonly number[])[]): number[] =>
  groups.map((axes) => sizeOf(axes.map((axis) => shape[axis])));

/** An operator on an input of other axes, its result with the axes of the node. */
function onAxes<O extends TfliteBuiltin>(
  node: Node,
  e: Exporter,
  op: O,
  shapes: { readonly x: Shape; readonly y: Shape },
  more: readonly TensorId[],
  options: TfliteOptionsOf<O>,
): TensorId {
  const [id] = node.inputs;
  const shape = e.shape(node.id);
  if (shapes.x.length === e.shape(id).length) return e.node(node, op, [e.value(id), ...more], options);
  const x = e.reshaped(e.value(id), shapes.x, `${node.id}/joined`);
  const y = e.operator(op, [x, ...more], options, `${node.id}/moved`, shapes.y, e.codes(id));
  return e.node(node, 'RESHAPE', [y, e.write.int32s(shape)], { newShape: shape });
}

/** Groups for an operator that does something to some axes only. */
function untouched(shape: Shape, touches: (axis: number) => boolean): number[][] {
  const axes = shape.map((_, axis) => axis);
  return groupsOf(axes, (a, b) => shape.length > MANY && !touches(a) && !touches(b));
}

/** The code of a number in a file. */
function codeOf(value: number, qp: QParams): number {
  const code = roundHalfEven(Math.fround(value / qp.scale[0])) + qp.zeroPoint[0];
  return Math.min(Math.max(code, qp.quantMin), qp.quantMax) + offsetOf(qp);
}

export function pad(node: NodeOf<'pad'>, e: Exporter): TensorId {
  const [id] = node.inputs;
  const x = e.shape(id);
  const groups = untouched(x, (axis) => node.pads[axis].some((n) => n !== 0));
  const pads = groups.map(([axis]): Pair => node.pads[axis]);
  const shapes = { x: joined(x, groups), y: joined(e.shape(node.id), groups) };
  const amounts = e.write.int32s(pads.flat(), [pads.length, 2]);
  if (node.value === 0) return onAxes(node, e, 'PAD', shapes, [amounts], null);
  const qparams = e.qparams(id);
  const value = qparams === null ? node.value : codeOf(node.value, qparams);
  return onAxes(node, e, 'PADV2', shapes, [amounts, constantFor(e, id, value)], null);
}

export function slice(node: NodeOf<'slice'>, e: Exporter): TensorId {
  const x = e.shape(node.inputs[0]);
  const y = e.shape(node.id);
  const groups = untouched(x, (axis) => y[axis] !== x[axis] || node.step[axis] !== 1);
  const shapes = { x: joined(x, groups), y: joined(y, groups) };
  const steps = groups.map(([axis]) => node.step[axis]);
  const begin = groups.map(([axis], i) => (shapes.y[i] === 0 ? 0 : node.start[axis]));
  const ends = begin.map((at, i) => at + shapes.y[i] * steps[i]);
  // Before the first element there is no index; the mask stands for it.
  const endMask = ends.reduce((mask, end, i) => (end < 0 ? mask | (1 << i) : mask), 0);
  const lists = [begin, ends, steps].map((list) => e.write.int32s(list));
  return onAxes(node, e, 'STRIDED_SLICE', shapes, lists, { ...STRIDED, endMask });
}

export function transpose(node: NodeOf<'transpose'>, e: Exporter): TensorId {
  const x = e.shape(node.inputs[0]);
  const groups = groupsOf(node.perm, (a, b) => x.length > MANY && a === b + 1);
  const inOrder = [...groups].sort(([a], [b]) => a - b);
  const perm = groups.map((group) => inOrder.indexOf(group));
  const shapes = { x: joined(x, inOrder), y: joined(x, groups) };
  return onAxes(node, e, 'TRANSPOSE', shapes, [e.write.int32s(perm)], null);
}
