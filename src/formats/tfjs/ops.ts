/** From nodes of TensorFlow to nodes of the graph. Both are NHWC. */
import { permuteArray, sizeOf, UnsupportedError, type NDArray, type Shape } from '../../core/index.js';
import type {
  Activation,
  GraphBuilder,
  NodeDraft,
  Padding,
  Pair,
  UnaryFunction,
  ValueId,
} from '../../graph/index.js';
import { boolAttr, floatAttr, intsAttr, textAttr, textsAttr, type TfNode } from './topology.js';

/** One node with what it reads. */
export interface Site {
  readonly node: TfNode;
  readonly build: GraphBuilder;
  /** The value of an input; a constant becomes one of the given rank. */
  value(i: number, rank?: number): ValueId;
  /** The array of an input that must be a constant. */
  constant(i: number): NDArray;
  isConstant(i: number): boolean;
}

type Import = (site: Site) => ValueId;

export function refuse({ node }: Pick<Site, 'node'>, why: string): never {
  throw new UnsupportedError(`node ${node.name} (${node.op}): ${why}`);
}

const add = ({ node, build }: Site, draft: NodeDraft, suffix = ''): ValueId =>
  build.node(node.name + suffix, draft);

/** TensorFlow's SAME: as many windows as strides fit, the odd pixel of padding at the end. */
export function samePadding(size: number, kernel: number, stride: number, dilation: number): Pair {
  const extent = (kernel - 1) * dilation + 1;
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

function spatial(site: Site, name: string): Pair {
  const all = intsAttr(site.node, name);
  if (all.length === 0) return [1, 1];
  if (all.length !== 4 || all[0] !== 1 || all[3] !== 1 || !(all[1] > 0 && all[2] > 0))
    refuse(site, `${name} [${all.join(', ')}] must be [1, h, w, 1]`);
  return [all[1], all[2]];
}

interface Window {
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

function window(site: Site, x: Shape, kernel: Pair): Window {
  const format = textAttr(site.node, 'data_format');
  if (format !== 'NHWC' && format !== '') refuse(site, `data_format ${format} is not read; convert to NHWC`);
  if (x.length !== 4) refuse(site, `takes images [n, h, w, c], not an array of rank ${x.length}`);
  const stride = spatial(site, 'strides');
  const dilation = spatial(site, 'dilations');
  const same = (axis: 0 | 1): Pair => samePadding(x[axis + 1], kernel[axis], stride[axis], dilation[axis]);
  const explicit = intsAttr(site.node, 'explicit_paddings');
  const kind = textAttr(site.node, 'padding');
  const padding: readonly number[] =
    kind === 'SAME'
      ? [...same(0), ...same(1)]
      : kind === 'EXPLICIT' && explicit.length === 8
        ? explicit.slice(2, 6)
        : kind === 'VALID'
          ? [0, 0, 0, 0]
          : refuse(site, `padding ${kind} is unknown`);
  return { stride, dilation, padding: padding as Padding };
}

const CLAMPS: Readonly<Record<string, Activation>> = { Relu: 'relu', Relu6: 'relu6' };
/** Functions of one element, and their alpha. */
const FUNCTIONS = new Map<string, readonly [UnaryFunction, (node: TfNode) => number]>([
  ['Sigmoid', ['sigmoid', () => 0]],
  ['Tanh', ['tanh', () => 0]],
  ['Exp', ['exp', () => 0]],
  ['Log', ['log', () => 0]],
  ['Sqrt', ['sqrt', () => 0]],
  ['Abs', ['abs', () => 0]],
  ['Neg', ['neg', () => 0]],
  ['Softplus', ['softplus', () => 0]],
  ['Square', ['pow', () => 2]],
  ['Rsqrt', ['pow', () => -0.5]],
  ['Elu', ['elu', () => 1]],
  // the second name is that of fused nodes
  ['LeakyRelu', ['leakyRelu', (node) => floatAttr(node, 'alpha', floatAttr(node, 'leakyrelu_alpha', 0.2))]],
]);

function unary(site: Site, x: ValueId, op: string): ValueId {
  const [fn, alpha] = FUNCTIONS.get(op)!;
  return add(site, { op: 'unary', inputs: [x], fn, alpha: alpha(site.node), beta: 0 });
}

/** Bias and activation of a fused node, in the order in which it names them. */
function fused(site: Site): { bias: NDArray | null; activation: Activation; then: string | null } {
  const steps = textsAttr(site.node, 'fused_ops');
  const [first, ...rest] = steps;
  const bias = first === 'BiasAdd' ? site.constant(2) : null;
  const tail = bias === null ? steps : rest;
  if (tail.length > 1) refuse(site, `fused_ops ${steps.join(', ')} are more than bias and activation`);
  if (tail.length === 0) return { bias, activation: 'none', then: null };
  const clamp = Object.hasOwn(CLAMPS, tail[0]) ? CLAMPS[tail[0]] : null;
  if (clamp !== null) return { bias, activation: clamp, then: null };
  if (!FUNCTIONS.has(tail[0])) refuse(site, `fused op ${tail[0]} is not read`);
  return { bias, activation: 'none', then: tail[0] };
}

interface LayerParams {
  readonly weight: string;
  readonly bias: string | null;
  readonly batchNorm: null;
  readonly activation: Activation;
}

function layer(site: Site, draft: (params: LayerParams) => NodeDraft, weight: NDArray): ValueId {
  const { node, build } = site;
  const { bias, activation, then } = fused(site);
  const id = add(
    site,
    draft({
      weight: build.param(`${node.name}.weight`, weight),
      bias: bias === null ? null : build.param(`${node.name}.bias`, bias),
      batchNorm: null,
      activation,
    }),
    then === null ? '' : '/linear',
  );
  return then === null ? id : unary(site, id, then);
}

function conv(site: Site, depthwise: boolean): ValueId {
  const x = site.value(0);
  const filter = site.constant(1);
  if (filter.rank !== 4) refuse(site, `its filter has rank ${filter.rank}, not 4`);
  const [kh, kw, channels, count] = filter.shape;
  const input = site.build.shape(x);
  const weight = depthwise
    ? permuteArray(filter, [2, 3, 0, 1]).reshape([channels * count, kh, kw, 1])
    : permuteArray(filter, [3, 0, 1, 2]);
  const groups = depthwise ? channels : input[3] / channels;
  if (!Number.isInteger(groups)) refuse(site, `a filter of ${channels} channels does not fit ${input[3]}`);
  const attrs = window(site, input, [kh, kw]);
  return layer(site, (params) => ({ op: 'conv2d', inputs: [x], ...attrs, groups, ...params }), weight);
}

const pool =
  (op: 'maxPool2d' | 'avgPool2d'): Import =>
  (site) => {
    const x = site.value(0);
    const kernel = spatial(site, 'ksize');
    const { stride, padding } = window(site, site.build.shape(x), kernel);
    const attrs = { inputs: [x], kernel, stride, padding };
    return op === 'maxPool2d'
      ? add(site, { op, ...attrs, dilation: [1, 1] })
      : add(site, { op, ...attrs, countIncludePad: false });
  };

const binary =
  (op: 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum'): Import =>
  (site) => {
    const ranks = [0, 1].map((i) =>
      site.isConstant(i) ? site.constant(i).rank : site.build.shape(site.value(i)).length,
    );
    const rank = Math.max(...ranks);
    const inputs = [0, 1].map((i) => {
      const id = site.value(i, rank);
      const { length } = site.build.shape(id);
      return length === rank
        ? id
        : refuse(site, `operands of ranks ${ranks.join(' and ')}; reshape them to one rank`);
    });
    return add(site, { op, inputs, activation: 'none' } as NodeDraft);
  };

function axesOf(site: Site, i: number, rank: number): number[] {
  const axes = Array.from(site.constant(i).data, (v) => (v < 0 ? v + rank : v));
  return axes.sort((a, b) => a - b);
}

function reshape(site: Site, shape: readonly number[]): ValueId {
  const x = site.value(0);
  const size = sizeOf(site.build.shape(x));
  const known = sizeOf(shape.filter((d) => d !== -1));
  return add(site, { op: 'reshape', inputs: [x], shape: shape.map((d) => (d === -1 ? size / known : d)) });
}

const mean: Import = (site) => {
  const x = site.value(0);
  const { length } = site.build.shape(x);
  const axes = axesOf(site, 1, length);
  const keepdim = boolAttr(site.node, 'keep_dims');
  return length === 4 && axes.join() === '1,2'
    ? add(site, { op: 'globalAvgPool', inputs: [x], keepdim })
    : add(site, { op: 'reduce', inputs: [x], fn: 'mean', axes, keepdim });
};

const resize =
  (mode: 'nearest' | 'bilinear'): Import =>
  (site) => {
    const [height, width] = site.constant(1).data;
    const coordinates = boolAttr(site.node, 'align_corners')
      ? 'alignCorners'
      : boolAttr(site.node, 'half_pixel_centers')
        ? 'halfPixel'
        : 'asymmetric';
    return add(site, { op: 'resize', inputs: [site.value(0)], size: [height, width], mode, coordinates });
  };

const pad = (site: Site, value: number): ValueId => {
  const { data, shape } = site.constant(1);
  const pads = Array.from({ length: shape[0] ?? 0 }, (_, i): Pair => [data[2 * i], data[2 * i + 1]]);
  return add(site, { op: 'pad', inputs: [site.value(0)], pads, value });
};

function matmul(site: Site): ValueId {
  if (boolAttr(site.node, 'transpose_a')) refuse(site, 'transpose_a is not read');
  const w = site.constant(1);
  const weight = boolAttr(site.node, 'transpose_b') ? w : permuteArray(w, [1, 0]);
  return layer(site, (params) => ({ op: 'linear', inputs: [site.value(0)], ...params }), weight);
}

export const IMPORTS: Readonly<Record<string, Import>> = {
  Identity: (site) => site.value(0),
  Conv2D: (site) => conv(site, false),
  _FusedConv2D: (site) => conv(site, false),
  DepthwiseConv2dNative: (site) => conv(site, true),
  FusedDepthwiseConv2dNative: (site) => conv(site, true),
  MatMul: matmul,
  _FusedMatMul: matmul,
  BiasAdd: binary('add'),
  Add: binary('add'),
  AddV2: binary('add'),
  Sub: binary('sub'),
  Mul: binary('mul'),
  RealDiv: binary('div'),
  Maximum: binary('maximum'),
  Minimum: binary('minimum'),
  Relu: (site) => add(site, { op: 'activation', inputs: [site.value(0)], activation: 'relu' }),
  Relu6: (site) => add(site, { op: 'activation', inputs: [site.value(0)], activation: 'relu6' }),
  Prelu: (site) => {
    const slope = site.constant(1);
    const channels = slope.shape[slope.rank - 1] ?? 1;
    if (slope.size !== channels) refuse(site, 'its slope is not one number per channel');
    const id = site.build.param(`${site.node.name}.slope`, slope.reshape([channels]));
    return add(site, { op: 'prelu', inputs: [site.value(0)], slope: id });
  },
  Softmax: (site) => add(site, { op: 'softmax', inputs: [site.value(0)], beta: 1 }),
  MaxPool: pool('maxPool2d'),
  AvgPool: pool('avgPool2d'),
  Mean: mean,
  ConcatV2: (site) => {
    const count = site.node.inputs.length - 1;
    const [axis] = site.constant(count).data;
    const inputs = Array.from({ length: count }, (_, i) => site.value(i));
    const rank = site.build.shape(inputs[0] ?? refuse(site, 'it joins nothing')).length;
    return add(site, { op: 'concat', inputs, axis: axis < 0 ? axis + rank : axis });
  },
  Reshape: (site) => reshape(site, Array.from(site.constant(1).data)),
  Squeeze: (site) => {
    const shape = site.build.shape(site.value(0));
    const dims = intsAttr(site.node, 'squeeze_dims').map((d) => (d < 0 ? d + shape.length : d));
    return reshape(
      site,
      shape.filter((d, i) => (dims.length === 0 ? d !== 1 : !dims.includes(i))),
    );
  },
  ExpandDims: (site) => {
    const shape = [...site.build.shape(site.value(0))];
    const [axis] = site.constant(1).data;
    shape.splice(axis < 0 ? axis + shape.length + 1 : axis, 0, 1);
    return reshape(site, shape);
  },
  Transpose: (site) =>
    add(site, { op: 'transpose', inputs: [site.value(0)], perm: Array.from(site.constant(1).data) }),
  Pad: (site) => pad(site, 0),
  PadV2: (site) => pad(site, site.constant(2).data[0] ?? 0),
  ResizeBilinear: resize('bilinear'),
  ResizeNearestNeighbor: resize('nearest'),
  ...Object.fromEntries(
    Array.from(FUNCTIONS.keys(), (op): [string, Import] => [op, (site) => unary(site, site.value(0), op)]),
  ),
};
