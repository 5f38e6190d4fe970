/**
 * From a node with bound arrays to a kernel call: the one place that says which integer kernel a graph op means. The
 * runtime plans with it, and quantized training calls it for every op that is not a layer, so that both mean the same.
 */
import {
  buildLut,
  leakyRelu,
  UNARY_FUNCTIONS,
  type CodeArray,
  type CodeQParams,
} from '../../kernels/index.js';
import { codeBits, GraphError, sizeOf, type QParams } from '../core/index.js';
import { lowerNode, type Lowering, type Node, type NodeOf, type ValueId } from '../graph/index.js';
import {
  codeOf,
  extents,
  fullRange,
  geometryOf,
  layerRequantization,
  outputRange,
  qparamsOf,
  quantized,
  tieRounding,
  type Bindings,
  type KernelCall,
} from './bindings.js';
import { gatherParams, type MovingNode } from './gather.js';

/** The kernel call of a node; null when the output is the input under another shape. */
export function lower(node: Node, bindings: Bindings): KernelCall | null {
  return lowerNode(table, node, bindings);
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

/** A table lookup: functions of one code, or for `fns` of many, of one code of each channel. */
function lookup(
  node: NodeOf<'unary'> | NodeOf<'prelu'>,
  b: Bindings,
  fns: readonly ((x: number) => number)[],
): KernelCall {
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
  const data = y.data as CodeArray;
  const table =
    data instanceof Int8Array ? new Int8Array(256 * fns.length) : new Uint8Array(256 * fns.length);
  fns.forEach((fn, i) => table.set(buildLut(fn, side(xq), output, rounding), 256 * i));
  return { op: 'qlut', params: { x: x.data as CodeArray, channels: fns.length, table, y: data } };
}

function noKernel(node: Node): never {
  throw new GraphError(`node ${node.id}: ${node.op} has no integer kernel; leave the value in float`);
}

/** Kernels that move elements move bytes. */
const codesOf = (b: Bindings, id: ValueId): CodeArray => quantized(b, id).data;

function gatherCall(node: MovingNode, b: Bindings): KernelCall {
  const [from] = node.inputs;
  return {
    op: 'qgather',
    params: {
      ...gatherParams(node, b.value(from).shape, b.value(node.id).shape),
      x: codesOf(b, from),
      y: codesOf(b, node.id),
    },
  };
}

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
  unary: (node, b) => lookup(node, b, [(x) => UNARY_FUNCTIONS[node.fn](x, node.alpha, node.beta)]),
  prelu: (node, b) =>
    lookup(
      node,
      b,
      Array.from(b.param(node.slope).array.data, (slope) => (x: number) => leakyRelu(x, slope)),
    ),
  lookup(node, b) {
    const { shape, data } = b.param(node.table).array;
    const [x, y] = [node.inputs[0], node.id].map((id) => quantized(b, id).data);
    const channels = shape.length === 2 ? shape[0] : 1;
    return { op: 'qlut', params: { x, channels, table: data as CodeArray, y } };
  },
  constant: () => null,
  dynamicLinear: noKernel,
  div: noKernel,
  maximum: noKernel,
  minimum: noKernel,
  matmul: noKernel,
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
  reduce(node, b) {
    const x = b.value(node.inputs[0]);
    const window = extents(node, x.shape, node.axes);
    const y = quantized(b, node.id);
    const range = fullRange(b, node.id);
    if (node.fn === 'mean' || node.fn === 'sum') {
      const source = quantized(b, node.inputs[0]);
      // a sum is the mean of values that count times as much
      const scale = node.fn === 'sum' ? Math.fround(source.scale * window.reduce) : source.scale;
      return {
        op: 'qmean',
        params: { ...b.numerics, ...window, x: { ...source, scale }, ...range, y },
      };
    }
    if (node.fn === 'min') return noKernel(node);
    return {
      op: 'qmaxpool',
      params: {
        ...geometryOf(
          [window.outer, window.reduce, 1, window.inner],
          [window.outer, 1, 1, window.inner],
          [window.reduce, 1],
          { stride: [1, 1], padding: [0, 0, 0, 0] },
          [1, 1],
        ),
        channels: window.inner,
        x: x.data as CodeArray,
        ...range,
        y: y.data,
      },
    };
  },
  reshape: () => null,
  transpose: gatherCall,
  slice: gatherCall,
  gather: gatherCall,
  pad(node, b) {
    const x = b.value(node.inputs[0]);
    return {
      op: 'qpad',
      params: {
        shape: x.shape,
        pads: node.pads,
        x: x.data as CodeArray,
        value: codeOf(node.value, qparamsOf(x, node.inputs[0])),
        y: b.value(node.id).data as CodeArray,
      },
    };
  },
  resize(node, b) {
    const x = b.value(node.inputs[0]);
    const y = b.value(node.id);
    const params = {
      batch: x.shape[0],
      inHeight: x.shape[1],
      inWidth: x.shape[2],
      outHeight: y.shape[1],
      outWidth: y.shape[2],
      channels: x.shape[3],
      alignCorners: node.coordinates === 'alignCorners',
      halfPixelCenters: node.coordinates === 'halfPixel',
      x: codesOf(b, node.inputs[0]),
      y: codesOf(b, node.id),
    };
    return node.mode === 'nearest'
      ? { op: 'qresize', params }
      : { op: 'qbilinear', params: { ...b.numerics, ...params } };
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
