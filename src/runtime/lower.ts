/**
 * From a node with bound arrays to a kernel call: the one place that says which integer kernel a graph op means. The
 * runtime plans with it, and quantized training calls it for every op that is not a layer, so that both mean the same.
 */
import {
  activationRange,
  buildLut,
  buildRequantization,
  elu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  sigmoid,
  silu,
  type AnyKernel,
  type CodeArray,
  type CodeQParams,
  type OpParams,
  type QuantizedArray,
  type Requantization,
  type TieRounding,
  type WindowGeometry,
} from '../../kernels/index.js';
import { codeBits, GraphError, sizeOf, type QParams, type Shape, type TypedArray } from '../core/index.js';
import {
  lowerNode,
  type Activation,
  type Lowering,
  type Node,
  type NodeOf,
  type Numerics,
  type Padding,
  type Pair,
  type Param,
  type ParamId,
  type UnaryFunction,
  type ValueId,
} from '../graph/index.js';

/** A value with its storage. `shape` includes the real batch. */
export interface Bound {
  readonly shape: Shape;
  readonly data: TypedArray;
  readonly qparams: QParams | null;
}

export interface Bindings {
  readonly numerics: Numerics;
  value(id: ValueId): Bound;
  param(id: ParamId): Param;
}

type KernelOp = AnyKernel['op'];
export type KernelCall = { [O in KernelOp]: { readonly op: O; readonly params: OpParams[O] } }[KernelOp];

/** The kernel call of a node; null when the output is the input under another shape. */
export function lower(node: Node, bindings: Bindings): KernelCall | null {
  return lowerNode(table, node, bindings);
}

function qparamsOf(bound: Bound, id: ValueId): QParams {
  if (bound.qparams === null)
    throw new GraphError(
      `value ${id} has no qparams: the graph is not an integer graph; use convert() first`,
    );
  return bound.qparams;
}

function quantized(bindings: Bindings, id: ValueId): QuantizedArray {
  const bound = bindings.value(id);
  const qp = qparamsOf(bound, id);
  return { data: bound.data as CodeArray, scale: qp.scale[0], zeroPoint: qp.zeroPoint[0] };
}

/** The codes that a fused clamp lets through. */
export function outputRange(
  activation: Activation,
  qp: QParams,
  numerics: Numerics,
): { min: number; max: number } {
  const ties = tieRounding(numerics);
  return activationRange(activation, qp.scale[0], qp.zeroPoint[0], qp.quantMin, qp.quantMax, ties);
}

/** Half to even, as ONNX quantizes; TFLite's fixed-point kernels round half away from zero. */
function tieRounding(numerics: Numerics): TieRounding {
  return numerics.numerics === 'float' ? 'even' : 'away';
}

/** From accumulators of a layer with input scale `sx` and weight scales `sw` to the output's codes. */
export function layerRequantization(
  numerics: Numerics,
  sx: number,
  sw: Float32Array,
  output: QParams,
  activation: Activation,
): Requantization {
  return buildRequantization(numerics, {
    inputScale: sx,
    weightScale: sw,
    outputScale: output.scale[0],
    zeroPoint: output.zeroPoint[0],
    ...outputRange(activation, output, numerics),
  });
}

interface WindowLike {
  readonly stride: Pair;
  readonly padding: Padding;
}

/** Geometry of a window op from the shapes of its NHWC input and output. */
export function geometryOf(
  x: Shape,
  y: Shape,
  kernel: Pair,
  node: WindowLike,
  dilation: Pair,
): WindowGeometry {
  return {
    batch: x[0],
    inHeight: x[1],
    inWidth: x[2],
    outHeight: y[1],
    outWidth: y[2],
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: node.stride[0],
    strideWidth: node.stride[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    padTop: node.padding[0],
    padLeft: node.padding[2],
  };
}

function layerParams(node: NodeOf<'conv2d'> | NodeOf<'linear'>, b: Bindings) {
  const x = b.value(node.inputs[0]);
  const y = b.value(node.id);
  const w = b.param(node.weight);
  if (w.qparams === null || node.batchNorm !== null)
    throw new GraphError(`node ${node.id}: its weights are not codes; use convert() first`);
  if (w.qparams.zeroPoint.some((z) => z !== 0))
    throw new GraphError(`node ${node.id}: the zero point of ${w.id} is not 0; weights are symmetric here`);
  const bias = node.bias === null ? null : b.param(node.bias).array.data;
  if (bias !== null && !(bias instanceof Int32Array))
    throw new GraphError(`node ${node.id}: its bias is not int32 codes; use convert() first`);
  const xq = qparamsOf(x, node.inputs[0]);
  return {
    x: x.data as CodeArray,
    xBits: codeBits(xq),
    xZeroPoint: xq.zeroPoint[0],
    w: w.array.data as CodeArray,
    wZeroPoint: 0,
    bias,
    requant: layerRequantization(
      b.numerics,
      xq.scale[0],
      w.qparams.scale,
      qparamsOf(y, node.id),
      node.activation,
    ),
    y: y.data as CodeArray,
  };
}

function binary(node: NodeOf<'add'> | NodeOf<'sub'> | NodeOf<'mul'>, b: Bindings) {
  const [aId, bId] = node.inputs;
  const y = b.value(node.id);
  return {
    ...b.numerics,
    aShape: b.value(aId).shape,
    bShape: b.value(bId).shape,
    yShape: y.shape,
    a: quantized(b, aId),
    b: quantized(b, bId),
    ...outputRange(node.activation, qparamsOf(y, node.id), b.numerics),
    y: quantized(b, node.id),
  };
}

/** Whole range of the output's qparams, for ops without a fused clamp. */
function fullRange(b: Bindings, id: ValueId): { min: number; max: number } {
  const qp = qparamsOf(b.value(id), id);
  return { min: qp.quantMin, max: qp.quantMax };
}

const UNARY: { readonly [F in UnaryFunction]: (x: number, alpha: number) => number } = {
  sigmoid,
  tanh: Math.tanh,
  hardswish,
  hardsigmoid,
  silu,
  leakyRelu,
  elu,
};

const table: Lowering<Bindings, KernelCall | null> = {
  conv2d(node, b) {
    const x = b.value(node.inputs[0]).shape;
    const y = b.value(node.id).shape;
    const w = b.param(node.weight).array.shape;
    return {
      op: 'qconv2d',
      params: {
        ...geometryOf(x, y, [w[1], w[2]], node, node.dilation),
        inChannels: x[3],
        outChannels: y[3],
        groups: node.groups,
        ...layerParams(node, b),
      },
    };
  },
  linear(node, b) {
    const [n, k] = b.param(node.weight).array.shape;
    return {
      op: 'qgemm',
      params: { m: sizeOf(b.value(node.inputs[0]).shape) / k, n, k, ...layerParams(node, b) },
    };
  },
  batchNorm(node) {
    throw new GraphError(
      `node ${node.id}: a batch norm that follows no conv or linear has no integer form; place it after one`,
    );
  },
  activation(node, b) {
    const range = outputRange(node.activation, qparamsOf(b.value(node.id), node.id), b.numerics);
    return {
      op: 'qrequantize',
      params: { ...b.numerics, x: quantized(b, node.inputs[0]), ...range, y: quantized(b, node.id) },
    };
  },
  unary(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    const rounding = tieRounding(b.numerics);
    const xq = qparamsOf(x, node.inputs[0]);
    const yq = qparamsOf(y, node.id);
    const side = (qp: QParams): CodeQParams => ({
      dtype: qp.quantMin < 0 ? 'int8' : 'uint8',
      scale: qp.scale[0],
      zeroPoint: qp.zeroPoint[0],
    });
    const output = { ...side(yq), min: yq.quantMin, max: yq.quantMax };
    const fn = UNARY[node.fn];
    return {
      op: 'qlut',
      params: {
        x: x.data as CodeArray,
        table: buildLut((v) => fn(v, node.alpha), side(xq), output, rounding),
        y: y.data as CodeArray,
      },
    };
  },
  add: (node, b) => ({ op: 'qadd', params: { ...binary(node, b), subtract: false } }),
  sub: (node, b) => ({ op: 'qadd', params: { ...binary(node, b), subtract: true } }),
  mul: (node, b) => ({ op: 'qmul', params: binary(node, b) }),
  maxPool2d(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    return {
      op: 'qmaxpool',
      params: {
        ...geometryOf(x.shape, y.shape, node.kernel, node, node.dilation),
        channels: x.shape[3],
        x: x.data as CodeArray,
        ...fullRange(b, node.id),
        y: y.data as CodeArray,
      },
    };
  },
  avgPool2d(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    return {
      op: 'qavgpool',
      params: {
        ...b.numerics,
        ...geometryOf(x.shape, y.shape, node.kernel, node, [1, 1]),
        channels: x.shape[3],
        countIncludePad: node.countIncludePad,
        x: quantized(b, node.inputs[0]),
        ...fullRange(b, node.id),
        y: quantized(b, node.id),
      },
    };
  },
  globalAvgPool(node, b) {
    const [batch, height, width, channels] = b.value(node.inputs[0]).shape;
    return {
      op: 'qmean',
      params: {
        ...b.numerics,
        outer: batch,
        reduce: height * width,
        inner: channels,
        x: quantized(b, node.inputs[0]),
        ...fullRange(b, node.id),
        y: quantized(b, node.id),
      },
    };
  },
  concat(node, b) {
    const y = b.value(node.id);
    const inner = (id: ValueId): number => sizeOf(b.value(id).shape.slice(node.axis));
    return {
      op: 'qconcat',
      params: {
        ...b.numerics,
        outer: sizeOf(y.shape.slice(0, node.axis)),
        inputs: node.inputs.map((id) => ({ ...quantized(b, id), inner: inner(id) })),
        ...fullRange(b, node.id),
        y: quantized(b, node.id),
      },
    };
  },
  reshape: () => null,
  pad(node, b) {
    const x = b.value(node.inputs[0]);
    return {
      op: 'qpad',
      params: {
        shape: x.shape,
        pads: node.pads,
        x: x.data as CodeArray,
        value: qparamsOf(x, node.inputs[0]).zeroPoint[0],
        y: b.value(node.id).data as CodeArray,
      },
    };
  },
  upsampleNearest(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    return {
      op: 'qresize',
      params: {
        batch: x.shape[0],
        inHeight: x.shape[1],
        inWidth: x.shape[2],
        outHeight: y.shape[1],
        outWidth: y.shape[2],
        channels: x.shape[3],
        alignCorners: false,
        halfPixelCenters: false,
        x: x.data as CodeArray,
        y: y.data as CodeArray,
      },
    };
  },
  softmax(node, b) {
    const shape = b.value(node.id).shape;
    const columns = shape[shape.length - 1];
    return {
      op: 'qsoftmax',
      params: {
        rows: sizeOf(shape) / columns,
        columns,
        x: quantized(b, node.inputs[0]),
        beta: node.beta,
        ...fullRange(b, node.id),
        y: quantized(b, node.id),
      },
    };
  },
  quantize(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    const qp = qparamsOf(y, node.id);
    return {
      op: 'quantize',
      params: {
        outer: 1,
        channels: 1,
        inner: sizeOf(x.shape),
        x: x.data as Float32Array,
        scale: qp.scale,
        zeroPoint: qp.zeroPoint,
        min: qp.quantMin,
        max: qp.quantMax,
        y: y.data as CodeArray,
      },
    };
  },
  dequantize(node, b) {
    const x = b.value(node.inputs[0]);
    const qp = qparamsOf(x, node.inputs[0]);
    return {
      op: 'dequantize',
      params: {
        outer: 1,
        channels: 1,
        inner: sizeOf(x.shape),
        x: x.data as CodeArray,
        scale: qp.scale,
        zeroPoint: qp.zeroPoint,
        y: b.value(node.id).data as Float32Array,
      },
    };
  },
};
