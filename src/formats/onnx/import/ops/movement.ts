/** Operators that move elements: shapes, axes, parts, repetitions. All of them work on values and on constants. */
import { sizeOf, type Shape } from '../../../../core/index.js';
import type { Call, Operand } from '../call.js';
import type { Network } from '../network.js';
import type { Importer, Importers } from './types.js';

/** An attribute up to some operator set, an input from it on. */
export function listOf(call: Call, name: string, since: number, input: number): readonly number[] | null {
  return call.opset < since ? call.ints(name) : call.list(input, name);
}

const reshape: Importer = (call, net) => {
  const x = call.operand(0);
  const from = net.shape(x);
  const target = call.list(1, 'shape') ?? call.invalid('has no shape');
  const allowZero = call.flag('allowzero');
  const shape = target.map((d, i) =>
    d === 0 && !allowZero ? (from[i] ?? call.invalid(`copies axis ${i}`)) : d,
  );
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, i) => i !== open));
    shape[open] = rest === 0 ? 0 : sizeOf(from) / rest;
  }
  if (shape.some((d) => !Number.isInteger(d) || d < 0))
    call.invalid(`cannot make [${target.join(', ')}] of [${from.join(', ')}]`);
  return [net.reshape(x, shape)];
};

const flatten: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const axis = call.int('axis', 1);
  const at = axis < 0 ? axis + shape.length : axis;
  if (at < 0 || at > shape.length) call.invalid(`axis ${axis} is none of a rank of ${shape.length}`);
  return [net.reshape(x, [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))])];
};

const squeeze: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const given = listOf(call, 'axes', 13, 1);
  const axes =
    given === null ? shape.flatMap((d, i) => (d === 1 ? [i] : [])) : call.axes(given, shape.length);
  if (axes.some((axis) => shape[axis] !== 1))
    call.invalid(`removes axes [${axes.join(', ')}] of [${shape.join(', ')}], which are not all 1`);
  return [
    net.reshape(
      x,
      shape.filter((_, i) => !axes.includes(i)),
    ),
  ];
};

const unsqueeze: Importer = (call, net) => {
  const x = call.operand(0);
  const given = listOf(call, 'axes', 13, 1) ?? call.invalid('has no axes');
  const rank = net.rank(x) + given.length;
  const axes = new Set(call.axes(given, rank));
  const rest = [...net.shape(x)];
  return [
    net.reshape(
      x,
      Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!)),
    ),
  ];
};

const transpose: Importer = (call, net) => {
  const x = call.operand(0);
  const rank = net.rank(x);
  const perm = call.ints('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((i) => !(i >= 0 && i < rank)))
    call.invalid(`perm is no order of ${rank} axes`);
  return [net.transpose(x, perm)];
};

const concat: Importer = (call, net) => {
  const parts = call.operands();
  const axis = call.axis(call.int('axis', 0), net.rank(parts[0]));
  // Nothing to join: some exporters write such parts.
  const filled = parts.filter((part) => !(net.rank(part) === 1 && net.shape(part)[0] === 0));
  return [net.concat(filled.length === 0 ? parts.slice(0, 1) : filled, axis)];
};

/** `count` elements of one axis. */
function part(net: Network, x: Operand, axis: number, start: number, count: number): Operand {
  const shape = net.shape(x);
  return net.slice(
    x,
    shape.map((_, i) => (i === axis ? start : 0)),
    shape.map(() => 1),
    shape.map((d, i) => (i === axis ? count : d)),
    `part${start}`,
  );
}

const split: Importer = (call, net) => {
  const x = call.operand(0);
  const axis = call.axis(call.int('axis', 0), net.rank(x));
  const size = net.shape(x)[axis];
  const parts =
    call.opset < 18 ? call.node.outputs.length : call.int('num_outputs', call.node.outputs.length);
  const sizes = listOf(call, 'split', 13, 1) ?? equalParts(size, parts);
  if (sizes.length !== call.node.outputs.length || sizes.some((d) => !(d >= 0)) || sum(sizes) !== size)
    call.invalid(`splits ${size} into [${sizes.join(', ')}] for ${call.node.outputs.length} outputs`);
  let start = 0;
  return sizes.map((count) => {
    start += count;
    return part(net, x, axis, start - count, count);
  });
};

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
/** The last one is smaller where `size` is no multiple. */
const equalParts = (size: number, parts: number): number[] => {
  const each = Math.ceil(size / parts);
  return Array.from({ length: Math.min(parts, 4096) }, (_, i) =>
    Math.max(Math.min(each, size - i * each), 0),
  );
};

const slice: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const need = (name: string, input: number): readonly number[] =>
    listOf(call, name, 10, input) ?? call.invalid(`has no ${name}`);
  const [starts, ends] = [need('starts', 1), need('ends', 2)];
  const axes = listOf(call, 'axes', 10, 3) ?? starts.map((_, i) => i);
  const steps = (call.opset < 10 ? null : call.list(4, 'steps')) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length))
    call.invalid('starts, ends, axes and steps differ in length');
  const start = shape.map(() => 0);
  const step = shape.map(() => 1);
  const count: number[] = [...shape];
  axes.forEach((a, i) => {
    const axis = call.axis(a, shape.length);
    const size = shape[axis];
    const by = steps[i];
    if (by === 0) call.invalid('has a step of 0');
    const wrap = (v: number): number => (v < 0 ? v + size : v);
    const clamp = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);
    const from = by > 0 ? clamp(wrap(starts[i]), 0, size) : clamp(wrap(starts[i]), 0, size - 1);
    const to = by > 0 ? clamp(wrap(ends[i]), 0, size) : clamp(wrap(ends[i]), -1, size - 1);
    start[axis] = from;
    step[axis] = by;
    count[axis] = Math.max(Math.ceil((to - from) / by), 0);
    if (count[axis] <= 1) step[axis] = 1;
    if (count[axis] === 0) start[axis] = 0;
  });
  return [net.slice(x, start, step, count)];
};

const gather: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const axis = call.axis(call.int('axis', 0), shape.length);
  const indices = call.required(1, 'list of indices');
  const flat = Array.from(indices.data, (i) => (i < 0 ? i + shape[axis] : i));
  const y = net.gather(x, axis, flat);
  return [net.reshape(y, [...shape.slice(0, axis), ...indices.dims, ...shape.slice(axis + 1)])];
};

/** Element i of the axis repeats `times` times, one after another (Tile) or, where the axis has size 1, anyhow (Expand). */
function repeat(net: Network, x: Operand, axis: number, times: number): Operand {
  const size = net.shape(x)[axis];
  net.allowance.charge(8 * size * times);
  return net.gather(
    x,
    axis,
    Array.from({ length: size * times }, (_, i) => i % size),
  );
}

const expand: Importer = (call, net) => {
  const target = call.list(1, 'shape') ?? call.invalid('has no shape');
  const rank = Math.max(target.length, net.rank(call.operand(0)));
  const lead = <T>(list: readonly T[], fill: T): T[] => [
    ...new Array<T>(rank - list.length).fill(fill),
    ...list,
  ];
  const from: Shape = lead(net.shape(call.operand(0)), 1);
  return [
    lead(target, 1).reduce<Operand>(
      (x, d, axis) => {
        if (d === 1 || d === from[axis]) return x;
        if (from[axis] !== 1) call.invalid(`cannot expand [${from.join(', ')}] to [${target.join(', ')}]`);
        return repeat(net, x, axis, d);
      },
      net.reshape(call.operand(0), from),
    ),
  ];
};

const tile: Importer = (call, net) => {
  const x = call.operand(0);
  const repeats = call.list(1, 'repeats') ?? call.invalid('has no repeats');
  if (repeats.length !== net.rank(x)) call.invalid('needs one number of repeats per axis');
  return [repeats.reduce<Operand>((y, times, axis) => (times === 1 ? y : repeat(net, y, axis, times)), x)];
};

const depthToSpace: Importer = (call, net) => {
  const x = call.operand(0);
  const b = call.int('blocksize', 0);
  const mode = call.string('mode', 'DCR');
  const [n, c, h, w] = imageShape(call, net, x);
  const depth = c / (b * b);
  const columnsFirst = mode === 'CRD';
  if (!columnsFirst && mode !== 'DCR') call.refuse(`mode ${mode} is not known`);
  const blocks = net.reshape(x, columnsFirst ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w]);
  const moved = net.transpose(blocks, columnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
  return [net.reshape(moved, [n, depth, h * b, w * b])];
};

const spaceToDepth: Importer = (call, net) => {
  const x = call.operand(0);
  const b = call.int('blocksize', 0);
  const [n, c, h, w] = imageShape(call, net, x);
  const blocks = net.reshape(x, [n, c, h / b, b, w / b, b]);
  return [net.reshape(net.transpose(blocks, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b])];
};

function imageShape(call: Call, net: Network, x: Operand): Shape {
  const shape = net.shape(x);
  return shape.length === 4 ? shape : call.invalid(`takes images [n, c, h, w], not [${shape.join(', ')}]`);
}

/** Where the elements of a padded axis come from. */
const SOURCE: Readonly<Record<string, (i: number, size: number) => number>> = {
  edge: (i, size) => Math.min(Math.max(i, 0), size - 1),
  wrap: (i, size) => ((i % size) + size) % size,
  reflect(i, size) {
    const period = Math.max(2 * (size - 1), 1);
    const at = ((i % period) + period) % period;
    return at < size ? at : period - at;
  },
};

const pad: Importer = (call, net) => {
  const x = call.operand(0);
  const rank = net.rank(x);
  const old = call.opset < 11;
  const mode = call.string('mode', 'constant');
  const list = (old ? call.ints('pads') : call.list(1, 'pads')) ?? call.invalid('has no pads');
  const value = old ? call.float('value', 0) : call.number(2, 'value', 0);
  const axes =
    (old ? null : call.list(3, 'axes'))?.map((axis) => call.axis(axis, rank)) ??
    Array.from({ length: rank }, (_, i) => i);
  if (list.length !== 2 * axes.length) call.invalid('needs two pads per axis');
  const pairs = Array.from({ length: rank }, (): [number, number] => [0, 0]);
  axes.forEach((axis, i) => (pairs[axis] = [list[i], list[i + axes.length]]));
  if (mode === 'constant') return [net.pad(x, pairs, value)];
  const source = Object.hasOwn(SOURCE, mode) ? SOURCE[mode] : call.refuse(`mode ${mode} is not supported`);
  return [
    pairs.reduce<Operand>((y, [before, after], axis) => {
      const size = net.shape(y)[axis];
      const length = size + before + after;
      if (length === size && before === 0) return y;
      if (!(length >= 0) || size === 0)
        call.invalid(`pads axis ${axis} of size ${size} by ${before} and ${after}`);
      net.allowance.charge(8 * length);
      return net.gather(
        y,
        axis,
        Array.from({ length }, (_, i) => source(i - before, size)),
      );
    }, x),
  ];
};

export const MOVEMENT: Importers = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Pad: pad,
};
