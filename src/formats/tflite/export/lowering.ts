/** What each op of the graph is in TFLite: one total table. Each entry gives the tensor of the node's value. */
import { GraphError, UnsupportedError } from '../../../core/index.js';
import type { Lowering, Node, NodeOf } from '../../../graph/index.js';
import { ACTIVATIONS, codesOf, offsetOf, type Exporter } from './exporter.js';
import { lookedUp, prelu, unary, UNIT } from './functions.js';
import { conv2d, linear, reshapeTo } from './layers.js';
import { pad, slice, transpose } from './movement.js';
import { avgPool2d, maxPool2d } from './windows.js';
import type { TensorId } from './writer.js';

type Arithmetic = NodeOf<'add'> | NodeOf<'sub'> | NodeOf<'mul'> | NodeOf<'div'>;

const reals = (node: Node, e: Exporter): TensorId[] => node.inputs.map((id) => e.real(id));

function sumOrProduct(op: 'ADD' | 'SUB' | 'MUL') {
  return (node: Arithmetic, e: Exporter): TensorId => {
    const options = { activation: ACTIVATIONS[node.activation], potScaleInt16: true };
    return e.isInteger(node)
      ? e.node(
          node,
          op,
          node.inputs.map((id) => e.value(id)),
          options,
        )
      : e.realNode(node, op, reals(node, e), options);
  };
}

const real =
  (op: 'MAXIMUM' | 'MINIMUM') =>
  (node: Node, e: Exporter): TensorId =>
    e.realNode(node, op, reals(node, e), null);

const REDUCE = { mean: 'MEAN', sum: 'SUM', max: 'REDUCE_MAX', min: 'REDUCE_MIN' } as const;

function reduced(
  node: Node,
  e: Exporter,
  fn: keyof typeof REDUCE,
  axes: readonly number[],
  keepDims: boolean,
): TensorId {
  const list = e.write.int32s(axes);
  return e.isInteger(node)
    ? e.node(node, REDUCE[fn], [e.value(node.inputs[0]), list], { keepDims })
    : e.realNode(node, REDUCE[fn], [e.real(node.inputs[0]), list], { keepDims });
}

export const LOWERING: Lowering<Exporter, TensorId> = {
  conv2d,
  linear,
  dynamicLinear(node) {
    throw new UnsupportedError(
      `node ${node.id}: TFLite quantizes the input of such a layer row by row, with other results; export to ONNX, or quantize with calibration`,
    );
  },
  unary,
  prelu,
  lookup: lookedUp,
  maxPool2d,
  avgPool2d,
  batchNorm(node, e) {
    const [gamma, beta, mean, variance] = [node.gamma, node.beta, node.mean, node.variance].map(
      (id) => e.param(id).array.data,
    );
    const factor = Float32Array.from(gamma, (g, i) => g / Math.sqrt(variance[i] + node.eps));
    const offset = Float32Array.from(beta, (b, i) => b - mean[i] * factor[i]);
    const [scale, shift] = [factor, offset].map((data, i) =>
      e.write.constant(`${node.id}/${i === 0 ? 'scale' : 'shift'}`, 'float32', [data.length], data),
    );
    const x = e.real(node.inputs[0]);
    const options = { activation: 'NONE', potScaleInt16: true } as const;
    const product = e.operator('MUL', [x, scale], options, `${node.id}/scaled`, e.shape(node.id), null);
    return e.realNode(node, 'ADD', [product, shift], options);
  },
  activation(node, e) {
    const [id] = node.inputs;
    const op = node.activation === 'relu' ? 'RELU' : 'RELU6';
    if (!e.isInteger(node)) {
      const x = e.real(id);
      if (node.activation !== 'none') return e.realNode(node, op, [x], null);
      return e.qparams(node.id) === null ? x : e.node(node, 'QUANTIZE', [x], null);
    }
    const x = e.value(id);
    return node.activation === 'none' ? e.converted(node, x, e.codes(id)!) : e.node(node, op, [x], null);
  },
  constant(node, e) {
    const { array } = e.param(node.param);
    const qparams = e.qparams(node.id);
    if (qparams === null)
      return e.write.constant(node.param, 'float32', array.shape, Float32Array.from(array.data));
    const offset = offsetOf(qparams);
    const data = Int8Array.from(array.data, (code) => code + offset);
    return e.write.constant(node.param, 'int8', array.shape, data, codesOf(qparams));
  },
  add: sumOrProduct('ADD'),
  sub: sumOrProduct('SUB'),
  mul: sumOrProduct('MUL'),
  div: (node, e) => e.realNode(node, 'DIV', reals(node, e), { activation: ACTIVATIONS[node.activation] }),
  maximum: real('MAXIMUM'),
  minimum: real('MINIMUM'),
  matmul: (node, e) =>
    e.realNode(node, 'BATCH_MATMUL', reals(node, e), {
      adjX: false,
      adjY: false,
      asymmetricQuantizeInputs: false,
    }),
  globalAvgPool: (node, e) => reduced(node, e, 'mean', [1, 2], node.keepdim),
  reduce: (node, e) => reduced(node, e, node.fn, node.axes, node.keepdim),
  concat(node, e) {
    const options = { axis: node.axis, activation: 'NONE' } as const;
    if (!e.isInteger(node)) return e.realNode(node, 'CONCATENATION', reals(node, e), options);
    // Every runtime copies codes, so all inputs get those of the result first, as the runtime here does.
    const to = e.codes(node.id)!;
    const inputs = node.inputs.map((id, i) =>
      e.requantized(e.value(id), e.codes(id)!, to, `${node.id}/input${i}`),
    );
    return e.node(node, 'CONCATENATION', inputs, options);
  },
  reshape: (node, e) => reshapeTo(node, e, e.value(node.inputs[0])),
  transpose,
  slice,
  gather: (node, e) =>
    e.node(node, 'GATHER', [e.value(node.inputs[0]), e.write.int32s(node.indices)], {
      axis: node.axis,
      batchDims: 0,
    }),
  pad,
  resize(node, e) {
    const inputs = [e.value(node.inputs[0]), e.write.int32s(node.size)];
    const options = {
      alignCorners: node.coordinates === 'alignCorners',
      halfPixelCenters: node.coordinates === 'halfPixel',
    };
    return node.mode === 'nearest'
      ? e.node(node, 'RESIZE_NEAREST_NEIGHBOR', inputs, options)
      : e.node(node, 'RESIZE_BILINEAR', inputs, options);
  },
  softmax(node, e) {
    const { beta } = node;
    if (!e.isInteger(node)) return e.realNode(node, 'SOFTMAX', [e.real(node.inputs[0])], { beta });
    const x = e.value(node.inputs[0]);
    const own = e.codes(node.id)!;
    if (own.scale[0] === UNIT.scale[0] && own.zeroPoint[0] === UNIT.zeroPoint[0])
      return e.node(node, 'SOFTMAX', [x], { beta });
    return e.converted(
      node,
      e.operator('SOFTMAX', [x], { beta }, `${node.id}/fixed`, e.shape(node.id), UNIT),
      UNIT,
    );
  },
  quantize(node, e) {
    const [id] = node.inputs;
    if (e.qparams(node.id) === null) throw new GraphError(`node ${node.id}: quantizes to floats`);
    const from = e.codes(id);
    return from === null
      ? e.node(node, 'QUANTIZE', [e.value(id)], null)
      : e.converted(node, e.value(id), from);
  },
  dequantize: (node, e) => e.node(node, 'DEQUANTIZE', [e.value(node.inputs[0])], null),
};
