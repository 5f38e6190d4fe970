/** Runs graph nodes through the differentiable ops: the float meaning of a graph. */
import { nearestIndices } from '../../kernels/index.js';
import { Tensor } from '../autograd/index.js';
import { GraphError, NDArray, type Shape } from '../core/index.js';
import {
  lowerNode,
  movesCodes,
  type Activation,
  type BatchNormRef,
  type Graph,
  type LayerNode,
  type Lowering,
  type Node,
  type NodeOf,
  type UnaryFunction,
} from '../graph/index.js';
import { dynamicLinear } from '../ops/dynamicLinear.js';
import * as ops from '../ops/index.js';

/** A graph and the tensors of its parameters. */
export interface ParamTensors {
  readonly graph: Graph;
  tensor(id: string): Tensor;
}

interface Context {
  readonly inputs: readonly Tensor[];
  readonly params: ParamTensors;
  /** batch norm normalises with the statistics of the batch and updates the running ones */
  readonly batchStatistics: boolean;
}

/** The float result of a node. */
export function executeNode(
  node: Node,
  inputs: readonly Tensor[],
  params: ParamTensors,
  batchStatistics: boolean,
): Tensor {
  const codes = params.graph.values.get(node.id)!.qparams !== null;
  if (codes && node.op !== 'quantize' && !movesCodes(node.op)) return refuse(node.id);
  return lowerNode(table, node, { inputs, params, batchStatistics });
}

export function activate(x: Tensor, activation: Activation): Tensor {
  return activation === 'relu' ? ops.relu(x) : activation === 'relu6' ? ops.relu6(x) : x;
}

/** conv2d or linear alone: no batch norm, no activation. */
export function executeLayer(node: LayerNode, x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  if (node.op === 'linear') return ops.linear(x, weight, bias);
  const { stride, padding, dilation, groups } = node;
  return ops.conv2d(x, weight, bias, { stride, padding, dilation, groups });
}

export function executeBatchNorm(
  bn: BatchNormRef,
  x: Tensor,
  params: ParamTensors,
  training: boolean,
): Tensor {
  return ops.batchNorm(x, params.tensor(bn.gamma), params.tensor(bn.beta), {
    runningMean: params.tensor(bn.mean).value,
    runningVar: params.tensor(bn.variance).value,
    training,
    momentum: bn.momentum,
    eps: bn.eps,
  });
}

const UNARY: { readonly [F in UnaryFunction]: (x: Tensor, alpha: number, beta: number) => Tensor } = {
  sigmoid: ops.sigmoid,
  tanh: ops.tanh,
  hardswish: ops.hardswish,
  hardsigmoid: ops.hardsigmoid,
  silu: ops.silu,
  softplus: ops.softplus,
  clip: (x, min, max) => ops.clamp(x, { min, max }),
  exp: ops.exp,
  log: ops.log,
  sqrt: ops.sqrt,
  pow: (x, alpha) => (alpha === 2 ? ops.square(x) : ops.powScalar(x, alpha)),
  abs: ops.abs,
  neg: ops.neg,
  leakyRelu: (x, alpha) => ops.leakyRelu(x, { negativeSlope: alpha }),
  elu: (x, alpha) => ops.elu(x, { alpha }),
};

function layer(node: LayerNode, { inputs, params, batchStatistics }: Context): Tensor {
  const bias = node.bias === null ? null : params.tensor(node.bias);
  let y = executeLayer(node, inputs[0], params.tensor(node.weight), bias);
  if (node.batchNorm !== null) y = executeBatchNorm(node.batchNorm, y, params, batchStatistics);
  return activate(y, node.activation);
}

const REDUCE = { mean: ops.mean, sum: ops.sum, max: ops.amax, min: ops.amin } as const;

/** The shape of a reshape node with the batch that x has. */
function reshaped(x: Shape, shape: Shape, { batch }: Graph): Shape {
  return batch === 'fixed' ? shape : [x[0], ...shape.slice(1)];
}

function slice({ start, step, count }: NodeOf<'slice'>, { inputs: [x], params }: Context): Tensor {
  const free = params.graph.batch !== 'fixed';
  const ranges = x.shape.map((_, i): ops.SliceRange => {
    if (i === 0 && free) return [null, null];
    const stop = start[i] + count[i] * step[i];
    return [start[i], stop < 0 ? null : stop, step[i]];
  });
  return ops.slice(x, ranges);
}

function indexTensor(indices: ArrayLike<number>): Tensor {
  return new Tensor(new NDArray(Int32Array.from(indices), [indices.length]));
}

/** Each output pixel of an axis as a mix of two: the first, the second, and the weight of the second. */
function linearTaps(inSize: number, outSize: number, coordinates: NodeOf<'resize'>['coordinates']) {
  const align = coordinates === 'alignCorners';
  const scale = align ? (outSize > 1 ? (inSize - 1) / (outSize - 1) : 0) : inSize / outSize;
  const offset = coordinates === 'halfPixel' ? 0.5 : 0;
  const at = Float64Array.from({ length: outSize }, (_, i) =>
    Math.min(Math.max((i + offset) * scale - offset, 0), inSize - 1),
  );
  const first = at.map(Math.floor);
  const second = first.map((i) => Math.min(i + 1, inSize - 1));
  return { first, second, weight: at.map((v, i) => v - first[i]) };
}

function linear1d(
  x: Tensor,
  axis: 1 | 2,
  outSize: number,
  coordinates: NodeOf<'resize'>['coordinates'],
): Tensor {
  const { first, second, weight } = linearTaps(x.shape[axis], outSize, coordinates);
  const shape = [1, 1, 1, 1].map((_, i) => (i === axis ? outSize : 1));
  const w = new Tensor(new NDArray(Float32Array.from(weight), shape));
  const a = ops.indexSelect(x, indexTensor(first), { axis });
  const b = ops.indexSelect(x, indexTensor(second), { axis });
  return ops.add(a, ops.mul(ops.sub(b, a), w));
}

function resize({ size, mode, coordinates }: NodeOf<'resize'>, { inputs: [x] }: Context): Tensor {
  if (mode === 'bilinear')
    return coordinates === 'asymmetric'
      ? linear1d(linear1d(x, 1, size[0], coordinates), 2, size[1], coordinates)
      : ops.upsampleBilinear2d(x, { size, alignCorners: coordinates === 'alignCorners' });
  if (coordinates === 'asymmetric') return ops.upsampleNearest2d(x, { size });
  const pick = (t: Tensor, axis: 1 | 2): Tensor => {
    const indices = nearestIndices(
      t.shape[axis],
      size[axis - 1],
      coordinates === 'alignCorners',
      coordinates === 'halfPixel',
    );
    return ops.indexSelect(t, indexTensor(indices), { axis });
  };
  return pick(pick(x, 1), 2);
}

const table: Lowering<Context, Tensor> = {
  conv2d: layer,
  linear: layer,
  dynamicLinear(node, { inputs, params }) {
    const { array: weight, qparams } = params.graph.params.get(node.weight)!;
    const bias = node.bias === null ? null : params.tensor(node.bias).value;
    return activate(dynamicLinear(inputs[0], { weight, weightQParams: qparams!, bias }), node.activation);
  },
  batchNorm: (node, { inputs, params, batchStatistics }) =>
    executeBatchNorm(node, inputs[0], params, batchStatistics),
  activation: (node, { inputs }) => activate(inputs[0], node.activation),
  unary: (node, { inputs }) => UNARY[node.fn](inputs[0], node.alpha, node.beta),
  prelu(node, { inputs: [x], params }) {
    const below = ops.mul(ops.relu(ops.neg(x)), params.tensor(node.slope));
    return ops.sub(ops.relu(x), below);
  },
  lookup: (node) => refuse(node.id),
  constant: (node, { params }) => params.tensor(node.param),
  add: (node, { inputs }) => activate(ops.add(inputs[0], inputs[1]), node.activation),
  sub: (node, { inputs }) => activate(ops.sub(inputs[0], inputs[1]), node.activation),
  mul: (node, { inputs }) => activate(ops.mul(inputs[0], inputs[1]), node.activation),
  div: (node, { inputs }) => activate(ops.div(inputs[0], inputs[1]), node.activation),
  maximum: (_, { inputs }) => ops.maximum(inputs[0], inputs[1]),
  minimum: (_, { inputs }) => ops.minimum(inputs[0], inputs[1]),
  matmul: (_, { inputs }) => ops.matmul(inputs[0], inputs[1]),
  maxPool2d: ({ kernel, stride, padding, dilation }, { inputs }) =>
    ops.maxPool2d(inputs[0], { kernel, stride, padding, dilation }),
  avgPool2d: ({ kernel, stride, padding, countIncludePad }, { inputs }) =>
    ops.avgPool2d(inputs[0], { kernel, stride, padding, countIncludePad }),
  globalAvgPool: ({ keepdim }, { inputs }) => ops.mean(inputs[0], { axes: [1, 2], keepdim }),
  reduce: ({ fn, axes, keepdim }, { inputs }) => REDUCE[fn](inputs[0], { axes, keepdim }),
  concat: ({ axis }, { inputs }) => ops.cat(inputs, { axis }),
  reshape: ({ shape }, { inputs: [x], params }) => ops.reshape(x, reshaped(x.shape, shape, params.graph)),
  transpose: ({ perm }, { inputs }) => ops.permute(inputs[0], perm),
  slice,
  gather: ({ axis, indices }, { inputs }) => ops.indexSelect(inputs[0], indexTensor(indices), { axis }),
  pad: ({ pads, value }, { inputs }) => ops.padConstant(inputs[0], pads, value),
  resize,
  softmax: ({ beta }, { inputs }) =>
    ops.softmax(beta === 1 ? inputs[0] : ops.mul(inputs[0], beta), { axis: -1 }),
  // Codes are the floats that they stand for: fake quantization.
  quantize: (node, { inputs, params }) =>
    ops.fakeQuantize(inputs[0], params.graph.values.get(node.id)!.qparams!),
  dequantize: (_, { inputs }) => inputs[0],
};

function refuse(id: string): never {
  throw new GraphError(`node ${id}: computes with codes, which float ops cannot; use a runtime Session`);
}
