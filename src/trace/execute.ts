/** Runs graph nodes through the differentiable ops: the float meaning of a graph. */
import { type Tensor } from '../autograd/index.js';
import { GraphError } from '../core/index.js';
import {
  lowerNode,
  type Activation,
  type BatchNormRef,
  type LayerNode,
  type Lowering,
  type Node,
  type UnaryFunction,
} from '../graph/index.js';
import * as ops from '../ops/index.js';

/** The tensors of a graph's parameters. */
export interface ParamTensors {
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

const UNARY: { readonly [F in UnaryFunction]: (x: Tensor, alpha: number) => Tensor } = {
  sigmoid: ops.sigmoid,
  tanh: ops.tanh,
  hardswish: ops.hardswish,
  hardsigmoid: ops.hardsigmoid,
  silu: ops.silu,
  leakyRelu: (x, alpha) => ops.leakyRelu(x, { negativeSlope: alpha }),
  elu: (x, alpha) => ops.elu(x, { alpha }),
};

function layer(node: LayerNode, { inputs, params, batchStatistics }: Context): Tensor {
  const bias = node.bias === null ? null : params.tensor(node.bias);
  let y = executeLayer(node, inputs[0], params.tensor(node.weight), bias);
  if (node.batchNorm !== null) y = executeBatchNorm(node.batchNorm, y, params, batchStatistics);
  return activate(y, node.activation);
}

const table: Lowering<Context, Tensor> = {
  conv2d: layer,
  linear: layer,
  batchNorm: (node, { inputs, params, batchStatistics }) =>
    executeBatchNorm(node, inputs[0], params, batchStatistics),
  activation: (node, { inputs }) => activate(inputs[0], node.activation),
  unary: (node, { inputs }) => UNARY[node.fn](inputs[0], node.alpha),
  add: (node, { inputs }) => activate(ops.add(inputs[0], inputs[1]), node.activation),
  sub: (node, { inputs }) => activate(ops.sub(inputs[0], inputs[1]), node.activation),
  mul: (node, { inputs }) => activate(ops.mul(inputs[0], inputs[1]), node.activation),
  maxPool2d: ({ kernel, stride, padding, dilation }, { inputs }) =>
    ops.maxPool2d(inputs[0], { kernel, stride, padding, dilation }),
  avgPool2d: ({ kernel, stride, padding, countIncludePad }, { inputs }) =>
    ops.avgPool2d(inputs[0], { kernel, stride, padding, countIncludePad }),
  globalAvgPool: ({ keepdim }, { inputs }) => ops.mean(inputs[0], { axes: [1, 2], keepdim }),
  concat: ({ axis }, { inputs }) => ops.cat(inputs, { axis }),
  reshape: ({ shape }, { inputs }) => ops.reshape(inputs[0], [inputs[0].shape[0], ...shape.slice(1)]),
  pad: ({ pads }, { inputs }) => ops.padConstant(inputs[0], pads, 0),
  upsampleNearest: ({ size }, { inputs }) => ops.upsampleNearest2d(inputs[0], { size }),
  softmax: ({ beta }, { inputs }) =>
    ops.softmax(beta === 1 ? inputs[0] : ops.mul(inputs[0], beta), { axis: -1 }),
  quantize: (node) => refuse(node.id),
  dequantize: (node) => refuse(node.id),
};

function refuse(id: string): never {
  throw new GraphError(`node ${id}: an integer graph does not run through float ops; use a runtime Session`);
}
