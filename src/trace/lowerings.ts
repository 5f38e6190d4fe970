/** From a recorded op call to a graph node. Ops that are not listed cannot be traced. */
import type { Tensor } from '../autograd/index.js';
import { GraphError, type NDArray, type Shape } from '../core/index.js';
import type {
  Coordinates,
  Node,
  NodeAttrs,
  Padding,
  Pair,
  ParamId,
  ResizeMode,
  UnaryFunction,
  ValueId,
  WindowAttrs,
} from '../graph/index.js';

/** One op call, with access to the names of what it touches. */
export interface Call {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attrs: unknown;
  readonly outputShape: Shape;
  value(t: Tensor): ValueId;
  param(t: Tensor): ParamId;
  buffer(a: NDArray): ParamId;
  /** A name that is not taken yet. */
  fresh(name: string): ValueId;
}

type Lower = (call: Call) => Node;

/** 'features.0.weight' names the layer 'features.0'. */
function layerName(call: Call, weight: ParamId): ValueId {
  return call.fresh(weight.replace(/\.?weight$/, '') || call.op);
}

const unary =
  (fn: UnaryFunction): Lower =>
  (call) => {
    const attrs = (call.attrs ?? {}) as { negativeSlope?: number; alpha?: number };
    const alpha = attrs.negativeSlope ?? attrs.alpha ?? 0;
    return { op: 'unary', id: call.fresh(call.op), inputs: [call.value(call.inputs[0])], fn, alpha, beta: 0 };
  };

const clamp =
  (activation: 'relu' | 'relu6'): Lower =>
  (call) => ({ op: 'activation', id: call.fresh(call.op), inputs: [call.value(call.inputs[0])], activation });

const binary =
  (op: 'add' | 'sub' | 'mul' | 'div'): Lower =>
  (call) => ({ op, id: call.fresh(op), inputs: call.inputs.map((t) => call.value(t)), activation: 'none' });

const extremum =
  (op: 'maximum' | 'minimum'): Lower =>
  (call) => ({ op, id: call.fresh(op), inputs: call.inputs.map((t) => call.value(t)) });

interface UpsampleAttrs {
  readonly size: Pair;
  readonly alignCorners?: boolean;
}

const upsample =
  (mode: ResizeMode, coordinatesOf: (attrs: UpsampleAttrs) => Coordinates): Lower =>
  (call) => {
    const attrs = call.attrs as UpsampleAttrs;
    const id = call.fresh('upsample');
    const inputs = [call.value(call.inputs[0])];
    return { op: 'resize', id, inputs, size: attrs.size, mode, coordinates: coordinatesOf(attrs) };
  };

const globalAvgPool = (call: Call, keepdim: boolean): Node => ({
  op: 'globalAvgPool',
  id: call.fresh('globalAvgPool'),
  inputs: [call.value(call.inputs[0])],
  keepdim,
});

/** What the attributes of both pooling ops have in common; ceil mode has no place in a graph. */
interface Pooling extends WindowAttrs {
  readonly dilation: Pair;
  readonly ceilMode: boolean;
}

/** The padding with which windows that are counted in floor mode are those of the call: ceil mode pads at the end. */
function poolPadding(call: Call, { kernel, stride, padding, dilation, ceilMode }: Pooling): Padding {
  if (!ceilMode) return padding;
  const [top, bottom, left, right] = padding;
  const [, height, width] = call.inputs[0].shape;
  const [, rows, columns] = call.outputShape;
  const end = (axis: 0 | 1, count: number, size: number): number =>
    (count - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - size;
  const grown: Padding = [top, end(0, rows, height + top), left, end(1, columns, width + left)];
  const counted = (call.attrs as { countIncludePad?: boolean }).countIncludePad === true;
  if (counted && (grown[1] > bottom || grown[3] > right))
    throw new GraphError(
      `${call.op}: in ceil mode the last windows hang over the image, which has no graph node when padding counts; ` +
        'use countIncludePad: false, or pad first',
    );
  return [top, Math.max(grown[1], 0), left, Math.max(grown[3], 0)];
}

function layer(call: Call): { weight: ParamId; bias: ParamId | null; batchNorm: null; activation: 'none' } {
  const [, weight, bias] = call.inputs;
  return {
    weight: call.param(weight),
    bias: bias === undefined ? null : call.param(bias),
    batchNorm: null,
    activation: 'none',
  };
}

export const lowerings: Readonly<Record<string, Lower>> = {
  conv2d(call) {
    const { stride, padding, dilation, groups } = call.attrs as Pick<
      NodeAttrs['conv2d'],
      'stride' | 'padding' | 'dilation' | 'groups'
    >;
    const attrs = layer(call);
    const id = layerName(call, attrs.weight);
    return {
      op: 'conv2d',
      id,
      inputs: [call.value(call.inputs[0])],
      ...attrs,
      stride,
      padding,
      dilation,
      groups,
    };
  },
  linear(call) {
    const attrs = layer(call);
    return {
      op: 'linear',
      id: layerName(call, attrs.weight),
      inputs: [call.value(call.inputs[0])],
      ...attrs,
    };
  },
  batchNorm(call) {
    const [x, gamma, beta] = call.inputs;
    const { runningMean, runningVar, eps, momentum } = call.attrs as {
      runningMean: NDArray;
      runningVar: NDArray;
      eps: number;
      momentum: number;
    };
    const weight = call.param(gamma);
    return {
      op: 'batchNorm',
      id: layerName(call, weight),
      inputs: [call.value(x)],
      gamma: weight,
      beta: call.param(beta),
      mean: call.buffer(runningMean),
      variance: call.buffer(runningVar),
      eps,
      momentum,
    };
  },
  relu: clamp('relu'),
  relu6: clamp('relu6'),
  sigmoid: unary('sigmoid'),
  tanh: unary('tanh'),
  hardswish: unary('hardswish'),
  hardsigmoid: unary('hardsigmoid'),
  silu: unary('silu'),
  leakyRelu: unary('leakyRelu'),
  elu: unary('elu'),
  softplus: unary('softplus'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  abs: unary('abs'),
  neg: unary('neg'),
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  maximum: extremum('maximum'),
  minimum: extremum('minimum'),
  maxPool2d(call) {
    const attrs = call.attrs as Pooling;
    const { kernel, stride, dilation } = attrs;
    const padding = poolPadding(call, attrs);
    const id = call.fresh('maxPool2d');
    return { op: 'maxPool2d', id, inputs: [call.value(call.inputs[0])], kernel, stride, padding, dilation };
  },
  avgPool2d(call) {
    const attrs = call.attrs as Pooling & NodeAttrs['avgPool2d'];
    const { kernel, stride, countIncludePad } = attrs;
    const padding = poolPadding(call, attrs);
    const id = call.fresh('avgPool2d');
    return {
      op: 'avgPool2d',
      id,
      inputs: [call.value(call.inputs[0])],
      kernel,
      stride,
      padding,
      countIncludePad,
    };
  },
  adaptiveAvgPool2d(call) {
    const { outputSize } = call.attrs as { outputSize: Pair };
    if (outputSize[0] !== 1 || outputSize[1] !== 1)
      throw new GraphError(
        `adaptiveAvgPool2d: output size ${outputSize.join(' x ')} has no graph node; use 1 x 1, or avgPool2d`,
      );
    return globalAvgPool(call, true);
  },
  mean(call) {
    const { axes, keepdim } = call.attrs as { axes: readonly number[]; keepdim: boolean };
    if (call.inputs[0].rank === 4 && axes.length === 2 && axes[0] === 1 && axes[1] === 2)
      return globalAvgPool(call, keepdim);
    return {
      op: 'reduce',
      id: call.fresh('mean'),
      inputs: [call.value(call.inputs[0])],
      fn: 'mean',
      axes,
      keepdim,
    };
  },
  cat(call) {
    const { axis } = call.attrs as { axis: number };
    const rank = call.outputShape.length;
    return {
      op: 'concat',
      id: call.fresh('concat'),
      inputs: call.inputs.map((t) => call.value(t)),
      axis: axis < 0 ? axis + rank : axis,
    };
  },
  reshape(call) {
    const id = call.fresh('reshape');
    return {
      op: 'reshape',
      id,
      inputs: [call.value(call.inputs[0])],
      shape: [1, ...call.outputShape.slice(1)],
    };
  },
  padConstant(call) {
    const { pads, value } = call.attrs as { pads: readonly Pair[]; value: number };
    return { op: 'pad', id: call.fresh('pad'), inputs: [call.value(call.inputs[0])], pads, value };
  },
  permute(call) {
    const { perm } = call.attrs as { perm: readonly number[] };
    return { op: 'transpose', id: call.fresh('transpose'), inputs: [call.value(call.inputs[0])], perm };
  },
  upsampleNearest2d: upsample('nearest', () => 'asymmetric'),
  upsampleBilinear2d: upsample('bilinear', ({ alignCorners }) =>
    alignCorners ? 'alignCorners' : 'halfPixel',
  ),
  softmax(call) {
    const { axis } = call.attrs as { axis: number };
    const rank = call.outputShape.length;
    if (axis !== -1 && axis !== rank - 1)
      throw new GraphError(`softmax: axis ${axis} has no graph node; use the last axis`);
    return { op: 'softmax', id: call.fresh('softmax'), inputs: [call.value(call.inputs[0])], beta: 1 };
  },
};
