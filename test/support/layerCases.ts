/** Every op of the graph in the shapes and settings that it is compared in. Ops without an integer form are compared in float. */
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import type {
  Activation,
  Coordinates,
  Graph,
  Node,
  OpName,
  Padding,
  ResizeMode,
  UnaryFunction,
} from '../../src/graph/index.js';
import { convert, prepare, ptqConfig, type QConfigOptions } from '../../src/quant/index.js';
import { GraphModule } from '../../src/trace/index.js';
import { graphOf } from './graphs.js';

export interface LayerCase {
  /** The row of the table that it counts for. */
  readonly layer: string;
  readonly setting: string;
  /** Float, one output. */
  readonly graph: Graph;
}

type Shape = readonly number[];
type Params = Readonly<Record<string, NDArray>>;

const random = new Random('layers');
const array = (shape: Shape, scale = 1, offset = 0): NDArray =>
  new NDArray(
    Float32Array.from({ length: sizeOf(shape) }, () => offset + scale * random.normal()),
    shape,
  );

/** One node on inputs of the given shapes. */
function single(
  layer: string,
  setting: string,
  op: OpName,
  shapes: readonly Shape[],
  attributes: object,
  params: Params = {},
  inputs = shapes.map((_, i) => `x${i}`),
): LayerCase {
  const constants = inputs
    .filter((id) => id in params)
    .map((id): Node => ({ op: 'constant', id, inputs: [], param: id }));
  const node = { op, id: 'y', inputs, ...attributes } as Node;
  const named = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, shape]));
  return { layer, setting, graph: graphOf(named, params, [...constants, node]) };
}

interface Conv {
  readonly size?: number;
  readonly channels?: readonly [number, number];
  readonly kernel?: readonly [number, number];
  readonly stride?: number;
  readonly padding?: Padding;
  readonly dilation?: number;
  readonly groups?: number;
  readonly activation?: Activation;
  readonly bias?: boolean;
}

function conv(layer: string, setting: string, c: Conv): LayerCase {
  const { size = 11, channels = [16, 24], kernel = [3, 3], stride = 1, padding = [1, 1, 1, 1] } = c;
  const { dilation = 1, groups = 1, activation = 'none', bias = true } = c;
  const [i, o] = channels;
  const weight = array([o, ...kernel, i / groups], 0.5);
  const params = bias ? { weight, bias: array([o], 0.5) } : { weight };
  const attributes = {
    weight: 'weight',
    bias: bias ? 'bias' : null,
    batchNorm: null,
    activation,
    stride: [stride, stride],
    padding,
    dilation: [dilation, dilation],
    groups,
  };
  return single(layer, setting, 'conv2d', [[1, size, size + 1, i]], attributes, params);
}

const NONE: Padding = [0, 0, 0, 0];

const convs: LayerCase[] = [
  conv('conv2d', '1x1', { kernel: [1, 1], padding: NONE }),
  conv('conv2d', '3x3', {}),
  conv('conv2d', '3x3, stride 2, uneven padding', { stride: 2, padding: [0, 1, 0, 1] }),
  conv('conv2d', '3x3, dilation 2', { dilation: 2, padding: [2, 2, 2, 2] }),
  conv('conv2d', '1x7', { kernel: [1, 7], padding: [0, 0, 3, 3] }),
  conv('conv2d', '5x5 of 3 channels, stride 2', { kernel: [5, 5], channels: [3, 8], stride: 2, size: 21 }),
  conv('conv2d', '3x3 of 128 channels', { channels: [128, 32], size: 7 }),
  conv('conv2d', '4 groups', { groups: 4 }),
  conv('conv2d', 'no bias', { bias: false }),
  conv('conv2d', 'relu', { activation: 'relu' }),
  conv('conv2d', 'relu6', { activation: 'relu6' }),
  conv('conv2d depthwise', '3x3', { channels: [24, 24], groups: 24 }),
  conv('conv2d depthwise', '5x5, stride 2', {
    channels: [24, 24],
    groups: 24,
    kernel: [5, 5],
    stride: 2,
    padding: [2, 2, 2, 2],
  }),
  conv('conv2d depthwise', 'two filters a channel', { channels: [12, 24], groups: 12 }),
  conv('conv2d depthwise', 'relu6, no bias', {
    channels: [24, 24],
    groups: 24,
    activation: 'relu6',
    bias: false,
  }),
];

function dense(setting: string, shape: Shape, outputs: number, bias = true, activation = 'none'): LayerCase {
  const weight = array([outputs, shape.at(-1)!], 0.3);
  const attributes = { weight: 'weight', bias: bias ? 'bias' : null, batchNorm: null, activation };
  const params = bias ? { weight, bias: array([outputs], 0.5) } : { weight };
  return single('linear', setting, 'linear', [shape], attributes, params);
}

/** Linear on a flattened image, whose elements lie in another order in formats of channels first. */
const flattened: LayerCase = {
  layer: 'linear',
  setting: 'of an image',
  graph: graphOf({ x: [1, 5, 6, 4] }, { weight: array([10, 120], 0.3), bias: array([10]) }, [
    {
      op: 'maxPool2d',
      id: 'pool',
      inputs: ['x'],
      kernel: [1, 1],
      stride: [1, 1],
      padding: NONE,
      dilation: [1, 1],
    },
    { op: 'reshape', id: 'flat', inputs: ['pool'], shape: [1, 120] },
    {
      op: 'linear',
      id: 'y',
      inputs: ['flat'],
      weight: 'weight',
      bias: 'bias',
      batchNorm: null,
      activation: 'none',
    },
  ]),
};

const image: Shape = [1, 9, 10, 12];
const plainClamp = { activation: 'none' };

function binary(op: 'add' | 'sub' | 'mul'): LayerCase[] {
  const constant = { c: array([1, 1, 1, 12], 1, 0.5) };
  return [
    single(op, 'same shapes', op, [image, image], plainClamp),
    single(op, 'one number a channel', op, [image, [1, 1, 1, 12]], plainClamp),
    single(op, 'a constant', op, [image], plainClamp, constant, ['x0', 'c']),
    single(
      op,
      'rows',
      op,
      [
        [1, 300],
        [1, 300],
      ],
      plainClamp,
    ),
    ...(op === 'add' ? [single(op, 'relu', op, [image, image], { activation: 'relu' })] : []),
  ];
}

const window = (kernel: number, stride: number, pad: number) => ({
  kernel: [kernel, kernel],
  stride: [stride, stride],
  padding: [pad, pad, pad, pad],
});

const FUNCTIONS: Readonly<Record<UnaryFunction, readonly [alpha: number, beta: number]>> = {
  sigmoid: [0, 0],
  tanh: [0, 0],
  hardswish: [0, 0],
  hardsigmoid: [0, 0],
  silu: [0, 0],
  softplus: [0, 0],
  leakyRelu: [0.1, 0],
  elu: [1, 0],
  clip: [-0.5, 1.5],
  exp: [0, 0],
  log: [0, 0],
  sqrt: [0, 0],
  pow: [2, 0],
  abs: [0, 0],
  neg: [0, 0],
};

const resizes = (['nearest', 'bilinear'] satisfies ResizeMode[]).flatMap((mode) =>
  (['asymmetric', 'halfPixel', 'alignCorners'] satisfies Coordinates[]).flatMap((coordinates) =>
    [
      [18, 20],
      [13, 7],
    ].map((size) =>
      single(`resize ${mode}`, `${coordinates} to ${size.join('x')}`, 'resize', [image], {
        size,
        mode,
        coordinates,
      }),
    ),
  ),
);

const normalisation = {
  gamma: array([12], 0.2, 1),
  beta: array([12]),
  mean: array([12]),
  variance: new NDArray(array([12]).data.map(Math.abs) as Float32Array, [12]),
};

/** By op; a new op has to be put here. */
const CASES: { readonly [O in OpName]: readonly LayerCase[] } = {
  conv2d: convs,
  linear: [
    dense('64 to 10', [1, 64], 10),
    dense('1024 to 40', [1, 1024], 40),
    dense('relu', [1, 100], 33, true, 'relu'),
    dense('no bias', [1, 100], 33, false),
    dense('of three axes', [1, 7, 48], 20),
    flattened,
  ],
  batchNorm: [
    single(
      'batchNorm',
      'alone',
      'batchNorm',
      [image],
      { gamma: 'gamma', beta: 'beta', mean: 'mean', variance: 'variance', eps: 1e-5, momentum: 0.1 },
      normalisation,
    ),
  ],
  // made by importers only, and not trained: test/formats/tflite has its round trips
  lookup: [],
  // made by quantizeDynamic only: test/quant/methods has its cases
  dynamicLinear: [],
  activation: [
    single('activation', 'relu', 'activation', [image], { activation: 'relu' }),
    single('activation', 'relu6', 'activation', [image], { activation: 'relu6' }),
  ],
  unary: Object.entries(FUNCTIONS).map(([fn, [alpha, beta]]) =>
    single(`unary ${fn}`, '', 'unary', [image], { fn, alpha, beta }),
  ),
  prelu: [single('prelu', '', 'prelu', [image], { slope: 'slope' }, { slope: array([12], 0.2, 0.2) })],
  constant: [
    single('constant', 'read twice', 'mul', [image], plainClamp, { c: array([1, 9, 1, 12]) }, ['c', 'x0']),
  ],
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: [single('div', '', 'div', [image, image], plainClamp)],
  maximum: [single('maximum', '', 'maximum', [image, image], {})],
  minimum: [single('minimum', '', 'minimum', [image, image], {})],
  matmul: [
    single(
      'matmul',
      '',
      'matmul',
      [
        [1, 3, 7, 9],
        [1, 3, 9, 8],
      ],
      {},
    ),
  ],
  maxPool2d: [
    single('maxPool2d', '2x2', 'maxPool2d', [image], { ...window(2, 2, 0), dilation: [1, 1] }),
    single('maxPool2d', '3x3, padded', 'maxPool2d', [image], { ...window(3, 2, 1), dilation: [1, 1] }),
    single('maxPool2d', '2x2, dilation 2', 'maxPool2d', [image], { ...window(2, 1, 0), dilation: [2, 2] }),
  ],
  avgPool2d: [
    single('avgPool2d', '2x2', 'avgPool2d', [image], { ...window(2, 2, 0), countIncludePad: false }),
    single('avgPool2d', '2x3', 'avgPool2d', [image], {
      ...window(2, 2, 0),
      kernel: [2, 3],
      countIncludePad: false,
    }),
    single('avgPool2d', '3x3, padded', 'avgPool2d', [image], { ...window(3, 2, 1), countIncludePad: false }),
    single('avgPool2d', '3x3, padding counts', 'avgPool2d', [image], {
      ...window(3, 2, 1),
      countIncludePad: true,
    }),
  ],
  globalAvgPool: [
    single('globalAvgPool', '9x10', 'globalAvgPool', [image], { keepdim: false }),
    single('globalAvgPool', '4x4, axes kept', 'globalAvgPool', [[1, 4, 4, 32]], { keepdim: true }),
  ],
  reduce: [
    single('reduce mean', 'rows and columns', 'reduce', [image], {
      fn: 'mean',
      axes: [1, 2],
      keepdim: false,
    }),
    single('reduce mean', 'channels', 'reduce', [image], { fn: 'mean', axes: [3], keepdim: true }),
    single('reduce sum', 'columns', 'reduce', [image], { fn: 'sum', axes: [2], keepdim: false }),
    single('reduce max', 'channels', 'reduce', [image], { fn: 'max', axes: [3], keepdim: true }),
  ],
  concat: [
    single('concat', 'channels', 'concat', [image, [1, 9, 10, 5]], { axis: 3 }),
    single('concat', 'rows', 'concat', [image, image, image], { axis: 1 }),
  ],
  reshape: [single('reshape', '', 'reshape', [image], { shape: [1, 90, 12] })],
  transpose: [single('transpose', '', 'transpose', [image], { perm: [0, 3, 1, 2] })],
  slice: [
    single('slice', '', 'slice', [image], { start: [0, 8, 1, 2], step: [1, -2, 3, 1], count: [1, 5, 3, 7] }),
  ],
  gather: [single('gather', '', 'gather', [image], { axis: 3, indices: [3, 3, 0, 11] })],
  pad: [
    single('pad', 'zeros', 'pad', [image], {
      pads: [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ],
      value: 0,
    }),
    single('pad', '0.7', 'pad', [image], {
      pads: [
        [0, 0],
        [1, 2],
        [0, 1],
        [2, 0],
      ],
      value: 0.7,
    }),
  ],
  resize: resizes,
  softmax: [
    single('softmax', '10 classes', 'softmax', [[1, 10]], { beta: 1 }),
    single('softmax', '90 channels, beta 2', 'softmax', [[1, 5, 5, 90]], { beta: 2 }),
  ],
  // At the edges of every network.
  quantize: [],
  dequantize: [],
};

export const LAYER_CASES: readonly LayerCase[] = Object.values(CASES).flat();

/** Ops that have no integer form. */
export const FLOAT_ONLY: ReadonlySet<string> = new Set<OpName>([
  'batchNorm',
  'div',
  'maximum',
  'minimum',
  'matmul',
]);

/** Inputs of a case for a batch; where its function has only positive arguments, these. */
export function floatInputs({ graph, layer }: LayerCase, batch: number): NDArray<'float32'>[] {
  const random = new Random(layer);
  const positive = layer === 'unary log' || layer === 'unary sqrt';
  return graph.inputs.map((id, i) => {
    const { shape } = graph.values.get(id)!;
    const draw = (): number => (1 + i) * random.normal() + 0.3;
    const data = Float32Array.from({ length: batch * sizeOf(shape) }, () =>
      positive ? Math.abs(draw()) + 0.05 : draw(),
    );
    return new NDArray(data, [batch, ...shape.slice(1)]);
  });
}

/** What a case computes in float. */
export function floatResult({ graph }: LayerCase, inputs: readonly NDArray[]): NDArray {
  const feeds = new Map(graph.inputs.map((id, i) => [id, new Tensor(inputs[i])]));
  return noGrad(() => new GraphModule(graph).eval().runAll(feeds).get(graph.outputs[0])!.value);
}

/** A case in integers, floats in and floats out. */
export function quantized(layer: LayerCase, config: QConfigOptions = {}): Graph {
  const { graph } = layer;
  const inputs = floatInputs(layer, 3);
  const module = prepare(graph, ptqConfig(config)).eval();
  module.phase = 'calibrate';
  noGrad(() => module.runAll(new Map(graph.inputs.map((id, i) => [id, new Tensor(inputs[i])]))));
  module.phase = 'frozen';
  return convert(module);
}
