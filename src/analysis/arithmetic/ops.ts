/** How each op of an integer graph makes one code, step by step: the formulas of kernels/reference, one element at a time. */
import { leakyRelu, nearestIndices, roundHalfEven, UNARY_FUNCTIONS } from '../../../kernels/index.js';
import { GraphError, stridesOf, type NDArray } from '../../core/index.js';
import { lowerNode, type LayerNode, type Lowering, type NodeOf, type ValueId } from '../../graph/index.js';
import { codeOf, extents, tieRounding } from '../../runtime/bindings.js';
import { gatherParams, type MovingNode } from '../../runtime/gather.js';
import type { Site, Term } from './site.js';
import { digits, signed } from './steps.js';

/** The code of the element, found by arithmetic alone; null for floats, and for bilinear resizing. */
export function codeAt(site: Site): number | null {
  return lowerNode(table, site.node, site);
}

/** The rule of the one kernel whose steps are not shown. */
export const BILINEAR =
  'the mean of four codes, weighted by how near they are; the code is that of the runtime';

/** Places of a window in an NHWC value that lie inside the image, as [tap, flat index of channel 0]. */
function taps(
  site: Site,
  id: ValueId,
  kernel: readonly number[],
  { stride, padding }: { readonly stride: readonly number[]; readonly padding: readonly number[] },
  dilation: readonly number[] = [1, 1],
): [tap: number, cell: number][] {
  const [, height, width, channels] = site.shape(id);
  const [n, oy, ox] = site.index;
  const found: [number, number][] = [];
  for (let ky = 0; ky < kernel[0]; ky++)
    for (let kx = 0; kx < kernel[1]; kx++) {
      const y = oy * stride[0] - padding[0] + ky * dilation[0];
      const x = ox * stride[1] - padding[2] + kx * dilation[1];
      if (y >= 0 && y < height && x >= 0 && x < width)
        found.push([ky * kernel[1] + kx, ((n * height + y) * width + x) * channels]);
    }
  return found;
}

/** Products with one filter, bias, and from the accumulator to the code. `cells`: [place in the filter, place in the input]. */
function layer(node: LayerNode, site: Site, cells: readonly (readonly [number, number])[]): number {
  const { steps, channel, run } = site;
  const [id] = node.inputs;
  const weight = run.graph.params.get(node.weight)!;
  const float = run.floatLayer(node);
  const filter = weight.array.size / weight.array.shape[0];
  let sum = 0;
  for (const [place, cell] of cells) {
    const at = channel * filter + place;
    sum += site.read(id, cell, { code: weight.array.data[at], float: float?.weight.data[at] ?? null }).weight!
      .product;
  }
  steps.add('products', `sum of the ${cells.length} products of code - z and weight code`, sum);
  const scales = weight.qparams!.scale;
  const [sx, sy] = [site.grid(id).scale, site.grid(node.id).scale];
  const sw = scales[scales.length === 1 ? 0 : channel];
  let acc = sum;
  if (node.bias !== null) {
    const bias = run.graph.params.get(node.bias)!.array.data[channel];
    const real = madeFrom(float?.bias?.data, run.graph.params.get(node.bias)!.array.data, (c) =>
      Math.fround(sx * scales[scales.length === 1 ? 0 : c]),
    )?.[channel];
    const formula =
      real === undefined ? 'stored' : `rne(${digits(real)} / f32(${digits(sx)} * ${digits(sw)}))`;
    steps.add('bias', formula, bias);
    acc += bias;
    steps.add('accumulator', `${sum}${signed(bias)}`, acc);
  }
  return steps.requantize(acc, { sx, sw, sy }, site.numerics, site.output);
}

/**
 * The float biases where all of the layer's codes come from them. Where one does not, they are of another network, the one before
 * a training or a correction, and a code that agrees does so by chance.
 */
function madeFrom(
  float: ArrayLike<number> | undefined,
  codes: NDArray['data'],
  scale: (channel: number) => number,
): ArrayLike<number> | undefined {
  const agrees =
    float !== undefined &&
    codes.every((code: number, c: number) => roundHalfEven(float[c] / scale(c)) === code);
  return agrees ? float : undefined;
}

function conv2d(node: NodeOf<'conv2d'>, site: Site): number {
  const [, kh, kw, depth] = site.run.graph.params.get(node.weight)!.array.shape;
  const perGroup = site.shape(node.id)[3] / node.groups;
  const first = Math.floor(site.channel / perGroup) * depth;
  const cells = taps(site, node.inputs[0], [kh, kw], node, node.dilation).flatMap(([tap, cell]) =>
    Array.from({ length: depth }, (_, i) => [tap * depth + i, cell + first + i] as const),
  );
  return layer(node, site, cells);
}

function linear(node: NodeOf<'linear'>, site: Site): number {
  const [out, k] = site.run.graph.params.get(node.weight)!.array.shape;
  const row = Math.floor(site.flat / out) * k;
  return layer(
    node,
    site,
    Array.from({ length: k }, (_, i) => [i, row + i] as const),
  );
}

/** Terms of the two operands of an op that broadcasts. */
function operands(node: { readonly inputs: readonly ValueId[] }, site: Site): Term[] {
  return node.inputs.map((id) => {
    const shape = site.shape(id);
    const strides = stridesOf(shape);
    return site.read(
      id,
      shape.reduce((sum, size, axis) => sum + (size === 1 ? 0 : site.index[axis] * strides[axis]), 0),
    );
  });
}

function additive(node: NodeOf<'add'> | NodeOf<'sub'>, site: Site): number {
  const [a, b] = operands(node, site);
  const [sa, sb, sy] = [...node.inputs, node.id].map((id) => site.grid(id).scale);
  return site.steps.sum([a.offset, b.offset], [sa, sb, sy], node.op === 'sub', site.numerics, site.output);
}

function mul(node: NodeOf<'mul'>, site: Site): number {
  const [a, b] = operands(node, site);
  const [sx, sw, sy] = [...node.inputs, node.id].map((id) => site.grid(id).scale);
  const product = site.steps.add('accumulator', `${a.offset} * ${b.offset}`, a.offset * b.offset);
  return site.steps.requantize(product, { sx, sw, sy }, site.numerics, site.output);
}

/** A code of one input, on the grid of the output. */
function rescaled(site: Site, id: ValueId, flat: number): number {
  const { offset } = site.read(id, flat);
  const [sx, sy] = [id, site.node.id].map((value) => site.grid(value).scale);
  return site.steps.requantize(offset, { sx, sw: 1, sy }, site.numerics, site.output);
}

function concat(node: NodeOf<'concat'>, site: Site): number {
  const index = [...site.index];
  for (const id of node.inputs) {
    const shape = site.shape(id);
    if (index[node.axis] < shape[node.axis]) {
      const strides = stridesOf(shape);
      return rescaled(
        site,
        id,
        index.reduce((sum, i, axis) => sum + i * strides[axis], 0),
      );
    }
    index[node.axis] -= shape[node.axis];
  }
  throw new GraphError(`node ${node.id}: its inputs do not fill it`);
}

/** Mean of codes; those of `outside` cells that count are the zero point. */
function average(site: Site, id: ValueId, cells: readonly number[], outside = 0, factor = 1): number {
  const { scale, zeroPoint } = site.grid(id);
  const count = cells.length + outside;
  const inside = cells.reduce((sum, cell) => sum + site.read(id, cell).code, 0);
  const padding = outside === 0 ? '' : ` + ${outside} * ${zeroPoint} (padding)`;
  const sum = site.steps.add(
    'sum',
    `sum of the ${cells.length} codes${padding}`,
    inside + outside * zeroPoint,
  );
  const x = { scale: Math.fround(scale * factor), zeroPoint };
  return site.steps.average({ sum, count }, x, site.grid(site.node.id).scale, site.numerics, site.output);
}

function avgPool2d(node: NodeOf<'avgPool2d'>, site: Site): number {
  const cells = taps(site, node.inputs[0], node.kernel, node).map(([, cell]) => cell + site.channel);
  const window = node.kernel[0] * node.kernel[1];
  return average(site, node.inputs[0], cells, node.countIncludePad ? window - cells.length : 0);
}

/** Elements that are reduced to this one, of an input read as [outer, reduce, inner]. */
function reduced(site: Site, reduce: number, inner: number): number[] {
  const outer = Math.floor(site.flat / inner);
  return Array.from({ length: reduce }, (_, r) => (outer * reduce + r) * inner + (site.flat % inner));
}

function largest(site: Site, id: ValueId, cells: readonly number[]): number {
  const code = Math.max(...cells.map((cell) => site.read(id, cell).code));
  return site.steps.add('code', `the largest of ${cells.length} codes`, code);
}

function reduce(node: NodeOf<'reduce'>, site: Site): number | null {
  const [id] = node.inputs;
  const { reduce: count, inner } = extents(node, site.shape(id), node.axes);
  const cells = reduced(site, count, inner);
  if (node.fn === 'mean') return average(site, id, cells);
  // a sum is the mean of values that count times as much
  if (node.fn === 'sum') return average(site, id, cells, 0, count);
  return node.fn === 'max' ? largest(site, id, cells) : null;
}

/** A function of one code, as the table of the kernel was made. */
function tabled(site: Site, name: string, fn: (x: number) => number): number {
  const { node, steps } = site;
  const [id] = node.inputs;
  const { code } = site.read(id, site.flat);
  const { scale, zeroPoint } = site.grid(id);
  const x = steps.real(code, scale, zeroPoint);
  const y = steps.add('function', `f32(${name}(${digits(x)}))`, Math.fround(fn(x)));
  const ties = tieRounding(site.numerics);
  return steps.quantize(y, site.grid(node.id).scale, site.output, ties);
}

/** Codes that only move. */
function moved(site: Site, flat: number): number {
  const { code } = site.read(site.node.inputs[0], flat);
  return site.steps.add('code', 'the same code', code);
}

function gathered(node: MovingNode, site: Site): number {
  const { cell, indices } = gatherParams(node, site.shape(node.inputs[0]), site.shape(node.id));
  return moved(site, indices[Math.floor(site.flat / cell)] * cell + (site.flat % cell));
}

function pad(node: NodeOf<'pad'>, site: Site): number {
  const [id] = node.inputs;
  const shape = site.shape(id);
  const at = site.index.map((i, axis) => i - node.pads[axis][0]);
  const strides = stridesOf(shape);
  if (at.every((i, axis) => i >= 0 && i < shape[axis]))
    return moved(
      site,
      at.reduce((sum, i, axis) => sum + i * strides[axis], 0),
    );
  return site.steps.add(
    'code',
    `the code of the padding, ${digits(node.value)}`,
    codeOf(node.value, site.qparams(id)),
  );
}

function resize(node: NodeOf<'resize'>, site: Site): number | null {
  const [n, oy, ox, channel] = site.index;
  const [, height, width, channels] = site.shape(node.inputs[0]);
  if (node.mode !== 'nearest') return null;
  const source = (size: number, to: number, i: number): number =>
    nearestIndices(size, to, node.coordinates === 'alignCorners', node.coordinates === 'halfPixel')[i];
  const [y, x] = [source(height, node.size[0], oy), source(width, node.size[1], ox)];
  return moved(site, ((n * height + y) * width + x) * channels + channel);
}

function softmax(node: NodeOf<'softmax'>, site: Site): number {
  const { steps } = site;
  const [id] = node.inputs;
  const columns = site.shape(id)[site.index.length - 1];
  const start = site.flat - site.channel;
  const codes = Array.from({ length: columns }, (_, j) => site.read(id, start + j).code);
  const top = steps.add('largest', `the largest of ${columns} codes`, Math.max(...codes));
  const factor = node.beta * site.grid(id).scale;
  const power = (code: number): number => Math.exp(-factor * (top - code));
  const sum = steps.add(
    'sum',
    `sum of exp(-${digits(factor)} * (${top} - code))`,
    codes.reduce((s, q) => s + power(q), 0),
  );
  const p = power(codes[site.channel]) / sum;
  steps.add('share', `exp(-${digits(factor)} * (${top}${signed(-codes[site.channel])})) / sum`, p);
  const { scale } = site.grid(node.id);
  const rounded = p / scale;
  steps.add('quotient', `${digits(p)} / ${digits(scale)}`, rounded);
  return steps.code(steps.add('rounded', `rne(${digits(rounded)})`, roundHalfEven(rounded)), site.output);
}

function quantize(node: NodeOf<'quantize'>, site: Site): number {
  const x = site.run.codes(node.inputs[0]).data[site.flat];
  return site.steps.quantize(x, site.grid(node.id).scale, site.output);
}

function stored(site: Site): number {
  return site.steps.add('code', 'stored in the model', site.run.codes(site.node.id).data[site.flat]);
}

/** Nodes that no integer graph has, and those that make floats. */
const noCode = (): null => null;

const table: Lowering<Site, number | null> = {
  conv2d,
  linear,
  add: additive,
  sub: additive,
  mul,
  concat,
  activation: (node, site) => rescaled(site, node.inputs[0], site.flat),
  unary: (node, site) => tabled(site, node.fn, (x) => UNARY_FUNCTIONS[node.fn](x, node.alpha, node.beta)),
  prelu(node, site) {
    const slopes = site.run.graph.params.get(node.slope)!.array.data;
    const slope = slopes[slopes.length === 1 ? 0 : site.channel];
    return tabled(site, `leakyRelu, slope ${digits(slope)}: `, (x) => leakyRelu(x, slope));
  },
  lookup(node, site) {
    const { shape, data } = site.run.graph.params.get(node.table)!.array;
    const { code } = site.read(node.inputs[0], site.flat);
    const first = site.qparams(node.inputs[0]).quantMin < 0 ? -128 : 0;
    const row = shape.length === 2 ? 256 * site.channel : 0;
    return site.steps.add('code', `table[${code - first}]`, data[row + code - first]);
  },
  maxPool2d(node, site) {
    const cells = taps(site, node.inputs[0], node.kernel, node, node.dilation);
    return largest(
      site,
      node.inputs[0],
      cells.map(([, cell]) => cell + site.channel),
    );
  },
  avgPool2d,
  globalAvgPool(node, site) {
    const [, height, width, channels] = site.shape(node.inputs[0]);
    return average(site, node.inputs[0], reduced(site, height * width, channels));
  },
  reduce,
  reshape: (_, site) => moved(site, site.flat),
  transpose: gathered,
  slice: gathered,
  gather: gathered,
  pad,
  resize,
  softmax,
  quantize,
  constant: (_, site) => stored(site),
  dequantize: noCode,
  batchNorm: noCode,
  dynamicLinear: noCode,
  div: noCode,
  maximum: noCode,
  minimum: noCode,
  matmul: noCode,
};
