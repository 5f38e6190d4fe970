/** Padding of windows: TFLite has SAME and VALID, everything else is a PAD before them. */
import { UnsupportedError, type Shape } from '../../../core/index.js';
import type { Node, NodeOf, Padding, Pair, ValueId } from '../../../graph/index.js';
import type { TflitePadding } from '../schema.js';
import type { TfliteBuiltin, TfliteOptionsOf } from '../types.js';
import type { Exporter } from './exporter.js';
import type { TensorId } from './writer.js';

interface Axis {
  readonly size: number;
  readonly windows: number;
  /** What a window covers, dilation included. */
  readonly extent: number;
  readonly stride: number;
  readonly before: number;
}

/** Cells behind the image that windows reach. */
const reach = ({ size, windows, extent, stride, before }: Axis): number =>
  Math.max((windows - 1) * stride + extent - before - size, 0);

/** SAME: as many windows as strides, the padding halved, the smaller half before. */
function isSame(axis: Axis): boolean {
  const { size, windows, extent, stride, before } = axis;
  const total = Math.max((windows - 1) * stride + extent - size, 0);
  return windows === Math.ceil(size / stride) && before === Math.floor(total / 2);
}

export interface Placement {
  /** What the operator says; 'PAD' where none of its own fits. */
  readonly padding: TflitePadding | 'PAD';
  readonly rows: Pair;
  readonly columns: Pair;
  readonly axes: readonly [Axis, Axis];
}

export function placement(
  x: Shape,
  y: Shape,
  kernel: Pair,
  dilation: Pair,
  { stride, padding }: { readonly stride: Pair; readonly padding: Padding },
): Placement {
  const axis = (i: 0 | 1): Axis => ({
    size: x[i + 1],
    windows: y[i + 1],
    extent: dilation[i] * (kernel[i] - 1) + 1,
    stride: stride[i],
    before: padding[2 * i],
  });
  const axes = [axis(0), axis(1)] as const;
  const [rows, columns] = axes.map((a): Pair => [a.before, reach(a)]);
  const none = [...rows, ...columns].every((n) => n === 0);
  return { padding: none ? 'VALID' : axes.every(isSame) ? 'SAME' : 'PAD', rows, columns, axes };
}

/** An image with cells around it that count as 0. */
export function padded(e: Exporter, x: ValueId, { rows, columns }: Placement, name: string): TensorId {
  const [n, h, w, c] = e.shape(x);
  const shape = [n, h + rows[0] + rows[1], w + columns[0] + columns[1], c];
  const pads = e.write.int32s([0, 0, ...rows, ...columns, 0, 0], [4, 2]);
  return e.operator('PAD', [e.value(x), pads], null, `${name}/padded`, shape, e.codes(x));
}

/** One element like those of a value: a code, or a float. */
export function constantFor(e: Exporter, id: ValueId, value: number): TensorId {
  const codes = e.codes(id);
  return codes === null
    ? e.write.constant('padding', 'float32', [1], Float32Array.of(value))
    : e.write.constant('padding', 'int8', [1], Int8Array.of(value), codes);
}

type PoolNode = NodeOf<'maxPool2d'> | NodeOf<'avgPool2d'>;

function poolOptions({ kernel, stride }: PoolNode, padding: TflitePadding, steps: Pair = stride) {
  const [strideH, strideW] = steps;
  const [filterHeight, filterWidth] = kernel;
  return { padding, strideW, strideH, filterWidth, filterHeight, activation: 'NONE' } as const;
}

const LOWEST = -3.4028234663852886e38;

export function maxPool2d(node: NodeOf<'maxPool2d'>, e: Exporter): TensorId {
  const [id] = node.inputs;
  const place = placement(e.shape(id), e.shape(node.id), node.kernel, node.dilation, node);
  const dilated = node.dilation.some((d) => d !== 1);
  if (!dilated && place.padding !== 'PAD')
    return e.node(node, 'MAX_POOL_2D', [e.value(id)], poolOptions(node, place.padding));
  const x = place.padding === 'VALID' ? e.value(id) : surrounded(node, e, place);
  return dilated ? maximumOfCells(node, e, x) : e.node(node, 'MAX_POOL_2D', [x], poolOptions(node, 'VALID'));
}

/** An image with cells around it that are no maximum. */
function surrounded(node: NodeOf<'maxPool2d'>, e: Exporter, { rows, columns }: Placement): TensorId {
  const [id] = node.inputs;
  const [n, h, w, c] = e.shape(id);
  const shape = [n, h + rows[0] + rows[1], w + columns[0] + columns[1], c];
  const pads = e.write.int32s([0, 0, ...rows, ...columns, 0, 0], [4, 2]);
  const lowest = constantFor(e, id, e.qparams(id) === null ? LOWEST : -128);
  return e.operator('PADV2', [e.value(id), pads, lowest], null, `${node.id}/padded`, shape, e.codes(id));
}

/** TFLite has no dilated pools: a slice for each cell of the window, and the largest of them. */
function maximumOfCells(node: NodeOf<'maxPool2d'>, e: Exporter, x: TensorId): TensorId {
  const { kernel, dilation, stride, id } = node;
  const shape = e.shape(id);
  const codes = e.codes(id);
  const steps = e.write.int32s([1, ...stride, 1]);
  const cells = Array.from({ length: kernel[0] * kernel[1] }, (_, k) => {
    const begin = [0, Math.floor(k / kernel[1]) * dilation[0], (k % kernel[1]) * dilation[1], 0];
    const end = begin.map((at, i) => at + (shape[i] - 1) * [1, ...stride, 1][i] + 1);
    const inputs = [x, e.write.int32s(begin), e.write.int32s(end), steps];
    return e.operator('STRIDED_SLICE', inputs, STRIDED, `${id}/cell${k}`, shape, codes);
  });
  const last = cells.pop()!;
  const rest = cells.reduce<TensorId | null>(
    (most, cell) =>
      most === null ? cell : e.operator('MAXIMUM', [most, cell], null, `${id}/most`, shape, codes),
    null,
  );
  return e.node(node, 'MAXIMUM', [rest ?? last, last], null);
}

export function avgPool2d(node: NodeOf<'avgPool2d'>, e: Exporter): TensorId {
  const [id] = node.inputs;
  const place = placement(e.shape(id), e.shape(node.id), node.kernel, [1, 1], node);
  const plain = node.countIncludePad || place.padding === 'VALID';
  if (!plain && place.padding === 'PAD') return averageBetween(node, e, place);
  const x = plain && place.padding !== 'VALID' ? padded(e, id, place, node.id) : e.value(id);
  return pooled(node, e, 'AVERAGE_POOL_2D', [x], poolOptions(node, plain ? 'VALID' : 'SAME'));
}

/** Pools do not change codes, so what has others is brought to them afterwards. */
function pooled<O extends TfliteBuiltin>(
  node: Node,
  e: Exporter,
  op: O,
  inputs: readonly TensorId[],
  options: TfliteOptionsOf<O>,
): TensorId {
  const from = e.codes(node.inputs[0]);
  if (from === null || e.qparams(node.id) === null) return e.node(node, op, inputs, options);
  const to = e.codes(node.id)!;
  if (from.scale[0] === to.scale[0] && from.zeroPoint[0] === to.zeroPoint[0])
    return e.node(node, op, inputs, options);
  const pool = e.operator(op, inputs, options, `${node.id}/pooled`, e.shape(node.id), from);
  return e.converted(node, pool, from);
}

/** Windows of stride 1 of which SAME padding leaves out what lies outside, and every stride-th of them. */
function averageBetween(node: NodeOf<'avgPool2d'>, e: Exporter, { axes }: Placement): TensorId {
  const [id] = node.inputs;
  const [n, h, w, c] = e.shape(id);
  const begin = axes.map(({ extent, before }) => Math.floor((extent - 1) / 2) - before);
  const fits = axes.every(
    ({ size, windows, stride }, i) => begin[i] >= 0 && begin[i] + (windows - 1) * stride < size,
  );
  if (!fits)
    throw new UnsupportedError(
      `node ${node.id}: an average pool with padding [${node.padding.join(', ')}] that does not count it has no form in TFLite; use countIncludePad: true, or at most half a kernel of padding`,
    );
  const all = e.operator(
    'AVERAGE_POOL_2D',
    [e.value(id)],
    poolOptions(node, 'SAME', [1, 1]),
    `${node.id}/every`,
    [n, h, w, c],
    e.codes(id),
  );
  const starts = [0, ...begin, 0];
  const steps = [1, ...node.stride, 1];
  const ends = e.shape(node.id).map((count, i) => starts[i] + (count - 1) * steps[i] + 1);
  const inputs = [all, ...[starts, ends, steps].map((list) => e.write.int32s(list))];
  return pooled(node, e, 'STRIDED_SLICE', inputs, STRIDED);
}

/** A slice whose numbers mean what they say. */
export const STRIDED = {
  beginMask: 0,
  endMask: 0,
  ellipsisMask: 0,
  newAxisMask: 0,
  shrinkAxisMask: 0,
  offset: false,
} as const;
