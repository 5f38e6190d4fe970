/**
 * What shape each node makes of its inputs, the check that a graph from a file or a pass is consistent; and its work.
 */
import { broadcastShapes, formatShape, GraphError, sizeOf, type Shape } from '../core/index.js';
import {
  isLayer,
  lowerNode,
  paramsOf,
  type BatchNormRef,
  type Graph,
  type LayerNode,
  type Lowering,
  type Node,
  type Padding,
  type Pair,
  type ParamId,
} from './ir.js';

interface Shapes {
  readonly inputs: readonly Shape[];
  param(id: ParamId): Shape;
}

/** Throws GraphError, naming the node, where attributes, parameters and inputs do not fit. */
export function inferShape(graph: Graph, node: Node): Shape {
  for (const id of paramsOf(node))
    if (!graph.params.has(id)) throw new GraphError(`node ${node.id}: parameter ${id} is missing`);
  return lowerNode(table, node, {
    inputs: node.inputs.map((id) => graph.values.get(id)!.shape),
    param: (id) => graph.params.get(id)!.array.shape,
  });
}

/** Multiply-adds of a node for one image: every output of a layer is a sum over one filter. */
export function macsOf(graph: Graph, node: Node): number {
  if (!isLayer(node) && node.op !== 'dynamicLinear') return 0;
  const filter = graph.params.get(node.weight)!.array.shape.slice(1);
  return sizeOf(graph.values.get(node.id)!.shape.slice(1)) * sizeOf(filter);
}

function fail(node: Node, why: string): never {
  throw new GraphError(`node ${node.id} (${node.op}): ${why}`);
}

function image(node: Node, x: Shape): Shape {
  if (x.length !== 4) fail(node, `takes images [n, h, w, c], not ${formatShape(x)}`);
  return x;
}

/** Windows along one axis; the ceil of pooling in ceil mode is part of the padding by then. */
function windows(
  node: Node,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: number,
): number {
  const count = Math.floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1;
  if (!(count >= 1)) fail(node, `kernel ${kernel} does not fit into ${size} pixels with padding ${padding}`);
  return count;
}

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
}

function slide(node: Node, x: Shape, { kernel, stride, padding, dilation }: Window): [number, number] {
  return [
    windows(node, x[1], kernel[0], stride[0], dilation[0], padding[0] + padding[1]),
    windows(node, x[2], kernel[1], stride[1], dilation[1], padding[2] + padding[3]),
  ];
}

function vector(node: Node, what: string, shape: Shape, length: number): void {
  if (shape.length !== 1 || shape[0] !== length)
    fail(node, `${what} has shape ${formatShape(shape)}; it needs one value per channel, [${length}]`);
}

function checkBatchNorm(node: Node, bn: BatchNormRef, channels: number, { param }: Shapes): void {
  for (const key of ['gamma', 'beta', 'mean', 'variance'] as const)
    vector(node, key, param(bn[key]), channels);
}

function checkLayer(node: LayerNode, channels: number, shapes: Shapes): void {
  if (node.bias !== null) vector(node, 'bias', shapes.param(node.bias), channels);
  if (node.batchNorm !== null) checkBatchNorm(node, node.batchNorm, channels, shapes);
}

/** Each axis once, ascending. */
function checkAxes(node: Node, axes: readonly number[], rank: number): void {
  if (axes.some((axis, i) => axis < 0 || axis >= rank || (i > 0 && axis <= axes[i - 1])))
    fail(node, `axes [${axes.join(', ')}] are not axes, in ascending order, of an array of rank ${rank}`);
}

const same = (_node: Node, { inputs }: Shapes): Shape => inputs[0];
/** Of equal ranks only: a shorter shape would line its batch up with another axis of the longer one. */
const broadcast = (node: Node, { inputs: [a, b] }: Shapes): Shape => {
  if (a.length !== b.length)
    fail(
      node,
      `operands ${formatShape(a)} and ${formatShape(b)} have their batch on different axes; reshape to equal ranks`,
    );
  return broadcastShapes(a, b, `node ${node.id}`);
};

const table: Lowering<Shapes, Shape> = {
  conv2d(node, shapes) {
    const x = image(node, shapes.inputs[0]);
    const w = shapes.param(node.weight);
    const fits = w.length === 4 && w[3] * node.groups === x[3] && w[0] % node.groups === 0;
    if (!fits || sizeOf(w) === 0)
      fail(node, `weight ${formatShape(w)} with ${node.groups} groups does not fit input ${formatShape(x)}`);
    checkLayer(node, w[0], shapes);
    return [x[0], ...slide(node, x, { ...node, kernel: [w[1], w[2]] }), w[0]];
  },
  linear(node, shapes) {
    const [x] = shapes.inputs;
    const w = shapes.param(node.weight);
    if (w.length !== 2 || w[1] !== x[x.length - 1] || sizeOf(w) === 0)
      fail(node, `weight ${formatShape(w)} does not fit input ${formatShape(x)}`);
    checkLayer(node, w[0], shapes);
    return [...x.slice(0, -1), w[0]];
  },
  dynamicLinear(node, { inputs: [x], param }) {
    const w = param(node.weight);
    if (w.length !== 2 || w[1] !== x[x.length - 1] || sizeOf(w) === 0)
      fail(node, `weight ${formatShape(w)} does not fit input ${formatShape(x)}`);
    if (node.bias !== null) vector(node, 'bias', param(node.bias), w[0]);
    return [...x.slice(0, -1), w[0]];
  },
  batchNorm(node, shapes) {
    const [x] = shapes.inputs;
    checkBatchNorm(node, node, x[x.length - 1], shapes);
    return x;
  },
  activation: same,
  unary: same,
  prelu(node, { inputs: [x], param }) {
    vector(node, 'slope', param(node.slope), x[x.length - 1]);
    return x;
  },
  lookup(node, { inputs: [x], param }) {
    const table = param(node.table);
    const channels = table.length === 2 ? x[x.length - 1] : 1;
    if (table[table.length - 1] !== 256 || sizeOf(table) !== 256 * channels)
      fail(node, `its table ${formatShape(table)} is neither [256] nor [channels, 256] of ${formatShape(x)}`);
    return x;
  },
  constant: (node, { param }) => param(node.param),
  add: broadcast,
  sub: broadcast,
  mul: broadcast,
  div: broadcast,
  maximum: broadcast,
  minimum: broadcast,
  matmul(node, { inputs: [a, b] }) {
    const at = a.length - 2;
    if (at < 0 || b.length !== a.length || a[at + 1] !== b[at])
      fail(
        node,
        `${formatShape(a)} and ${formatShape(b)} are not matrices, of equal rank, that can be multiplied`,
      );
    return [...broadcastShapes(a.slice(0, at), b.slice(0, at), `node ${node.id}`), a[at], b[at + 1]];
  },
  reduce(node, { inputs: [x] }) {
    checkAxes(node, node.axes, x.length);
    if (node.keepdim) return x.map((d, i) => (node.axes.includes(i) ? 1 : d));
    return x.filter((_, i) => !node.axes.includes(i));
  },
  maxPool2d(node, { inputs }) {
    const x = image(node, inputs[0]);
    return [x[0], ...slide(node, x, node), x[3]];
  },
  avgPool2d(node, { inputs }) {
    const x = image(node, inputs[0]);
    return [x[0], ...slide(node, x, { ...node, dilation: [1, 1] }), x[3]];
  },
  globalAvgPool(node, { inputs }) {
    const x = image(node, inputs[0]);
    return node.keepdim ? [x[0], 1, 1, x[3]] : [x[0], x[3]];
  },
  concat({ axis, ...node }, { inputs }) {
    const [first] = inputs;
    if (axis < 0 || axis >= first.length)
      fail(node as Node, `axis ${axis} is not an axis of ${formatShape(first)}`);
    const total = inputs.reduce((n, x) => {
      if (x.length !== first.length || x.some((d, i) => i !== axis && d !== first[i]))
        fail(node as Node, `inputs ${inputs.map(formatShape).join(' and ')} differ off axis ${axis}`);
      return n + x[axis];
    }, 0);
    return first.map((d, i) => (i === axis ? total : d));
  },
  reshape(node, { inputs }) {
    if (sizeOf(node.shape) !== sizeOf(inputs[0]))
      fail(node, `${formatShape(inputs[0])} does not have the elements of ${formatShape(node.shape)}`);
    return node.shape;
  },
  transpose(node, { inputs: [x] }) {
    if (node.perm.length !== x.length || x.some((_, i) => !node.perm.includes(i)))
      fail(node, `perm [${node.perm.join(', ')}] is no order of the axes of ${formatShape(x)}`);
    return node.perm.map((axis) => x[axis]);
  },
  slice(node, { inputs: [x] }) {
    const { start, step, count } = node;
    if ([start, step, count].some((list) => list.length !== x.length))
      fail(node, `needs a start, a step and a count per axis of ${formatShape(x)}`);
    const inside = (i: number, at: number): boolean => at >= 0 && at < x[i];
    x.forEach((_, i) => {
      const last = start[i] + (count[i] - 1) * step[i];
      if (count[i] > 0 && !(inside(i, start[i]) && inside(i, last)))
        fail(node, `takes elements ${start[i]} to ${last} of axis ${i} of ${formatShape(x)}`);
    });
    return count;
  },
  gather(node, { inputs: [x] }) {
    checkAxes(node, [node.axis], x.length);
    const outside = node.indices.find((i) => i < 0 || i >= x[node.axis]);
    if (outside !== undefined)
      fail(node, `index ${outside} is outside axis ${node.axis} of ${formatShape(x)}`);
    return x.map((d, i) => (i === node.axis ? node.indices.length : d));
  },
  pad(node, { inputs }) {
    const [x] = inputs;
    if (node.pads.length !== x.length) fail(node, `pads need one pair per axis of ${formatShape(x)}`);
    return x.map((d, i) => d + node.pads[i][0] + node.pads[i][1]);
  },
  resize(node, { inputs }) {
    const x = image(node, inputs[0]);
    return [x[0], ...node.size, x[3]];
  },
  softmax: same,
  quantize: same,
  dequantize: same,
};
