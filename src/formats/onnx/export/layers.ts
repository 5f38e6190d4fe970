/**
 * Convolutions and linear layers. As QDQ: a float op between DequantizeLinear and QuantizeLinear. As QOperator: QLinearConv,
 * which has a bias, also for linear layers, and QLinearMatMul for those without one.
 */
import { GraphError, invertPerm, permuteArray, type NDArray, type QParams } from '../../../core/index.js';
import type { LayerNode, NodeOf } from '../../../graph/index.js';
import type { Attributes } from './builder.js';
import { asFloats, codesFrom } from './codes.js';
import { NHWC_IN_NCHW, type Exporter, type Tensor, type View } from './exporter.js';

/** What a layer multiplies with, its weights in the order of the file, output channels on `axis`. */
interface Operands {
  readonly weight: NDArray;
  readonly axis: number;
  readonly scale: Float32Array | null;
  readonly x: QParams | null;
}

function operands(e: Exporter, node: LayerNode, weight: NDArray, axis: number): Operands {
  const { qparams } = e.graph.params.get(node.weight)!;
  if (qparams === null) return { weight, axis, scale: null, x: null };
  if (qparams.zeroPoint.some((z) => z !== 0))
    throw new GraphError(
      `node ${node.id}: the zero point of ${node.weight} is not 0; weights are symmetric here`,
    );
  return { weight, axis, scale: qparams.scale, x: e.qparams(node.inputs[0]) };
}

/** Codes of the weights, their scale and zero point. */
function weightCodes(e: Exporter, node: LayerNode, { weight, scale }: Operands): [string, string, string] {
  const dims = scale!.length === 1 ? [] : [scale!.length];
  return [
    e.build.constant(node.weight, 'int8', weight.shape, codesFrom('int8', weight.data as Int8Array)),
    e.build.floats(`${node.weight}/scale`, scale!, dims),
    e.build.constant(`${node.weight}/zero_point`, 'int8', dims, new Int8Array(scale!.length)),
  ];
}

function weightReals(e: Exporter, node: LayerNode, o: Operands): string {
  if (o.scale === null) return e.build.floats(node.weight, asFloats(o.weight.data), o.weight.shape);
  const axis: Attributes = o.scale.length === 1 ? {} : { axis: o.axis };
  return e.build.node('DequantizeLinear', `${node.weight}/dequantized`, weightCodes(e, node, o), axis);
}

function biasCodes(e: Exporter, node: LayerNode): string | null {
  if (node.bias === null) return null;
  const { data, shape } = e.parameter(node.bias);
  return e.build.constant(node.bias, 'int32', shape, Int32Array.from(data));
}

/** int32 codes of scale f32(sx * sw), or floats. */
function biasReals(e: Exporter, node: LayerNode, { scale, x }: Operands): string | null {
  if (node.bias === null) return null;
  const { data, shape } = e.parameter(node.bias);
  if (!(data instanceof Int32Array)) return e.build.floats(node.bias, asFloats(data), shape);
  if (scale === null || x === null)
    throw new GraphError(`node ${node.id}: its bias is int32 codes, but its input or its weights are floats`);
  const dims = scale.length === 1 ? [] : [scale.length];
  const scales = e.build.floats(
    `${node.bias}/scale`,
    scale.map((s) => s * x.scale[0]),
    dims,
  );
  const zero = e.build.constant(`${node.bias}/zero_point`, 'int32', dims, new Int32Array(scale.length));
  const inputs = [biasCodes(e, node)!, scales, zero];
  return e.build.node(
    'DequantizeLinear',
    `${node.bias}/dequantized`,
    inputs,
    dims.length === 0 ? {} : { axis: 0 },
  );
}

const given = (name: string | null): string[] => (name === null ? [] : [name]);

/** Whether a layer is written as one of ONNX's integer operators. */
function isInteger(e: Exporter, node: LayerNode, { scale, x }: Operands): boolean {
  return e.style === 'qoperator' && scale !== null && x !== null && e.qparams(node.id) !== null;
}

/** QLinearConv or QLinearMatMul, and what its output still needs to be the value of the node. */
function integerLayer(
  e: Exporter,
  node: LayerNode,
  opType: 'QLinearConv' | 'QLinearMatMul',
  x: Tensor,
  o: Operands,
  shape: readonly number[],
  attributes: Attributes,
): Tensor {
  const qparams = e.qparams(node.id)!;
  const bias = opType === 'QLinearConv' ? biasCodes(e, node) : null;
  const inputs = [
    ...[x.name, ...e.scales(x.qparams!, x.name)],
    ...weightCodes(e, node, o),
    ...[...e.scales(qparams, node.id), ...given(bias)],
  ];
  let name = e.clampCodes(e.build.node(opType, `${node.id}/codes`, inputs, attributes), node.id, qparams);
  if (!e.impliedBy(qparams, node.activation)) {
    const real = e.activate(e.real({ name, shape, qparams }), node.activation, node.id, qparams);
    name = e.quantize(real, node.id, qparams);
  }
  return { name, shape, qparams };
}

/** ONNX: all beginnings, then all ends. */
export function pads([top, bottom, left, right]: readonly [
  number,
  number,
  number,
  number,
]): readonly number[] {
  return [top, left, bottom, right];
}

/** The shape of an NHWC value in the file. */
export function channelsFirstShape([n, h, w, c]: readonly number[]): number[] {
  return [n, c, h, w];
}

export function conv2d(node: NodeOf<'conv2d'>, e: Exporter): View {
  const x = e.channelsFirst(node.inputs[0]);
  const weight = permuteArray(e.parameter(node.weight), [0, 3, 1, 2]);
  const o = operands(e, node, weight, 0);
  const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
  const attributes = {
    kernel_shape: weight.shape.slice(2),
    strides: node.stride,
    pads: pads(node.padding),
    dilations: node.dilation,
    group: node.groups,
  };
  if (isInteger(e, node, o))
    return e.hold(node.id, integerLayer(e, node, 'QLinearConv', x, o, shape, attributes), NHWC_IN_NCHW);
  const inputs = [e.real(x), weightReals(e, node, o), ...given(biasReals(e, node, o))];
  const real = e.build.node('Conv', `${node.id}/conv`, inputs, attributes);
  return e.result(node, real, shape, NHWC_IN_NCHW);
}

/** The rows that a linear layer multiplies, and its weights in the order of their elements. */
function rows(node: NodeOf<'linear'>, e: Exporter): { x: Tensor; weight: NDArray } {
  const weight = e.parameter(node.weight);
  const [outputs, inputs] = weight.shape;
  const view = e.view(node.inputs[0]);
  const name = `${node.id}/rows`;
  if (view.flat) {
    // The weights move instead of the image that was flattened.
    const { tensor, perm } = view;
    const order = perm.slice(1).map((axis) => axis - 1);
    const seen = weight.reshape([outputs, ...order.map((axis) => tensor.shape[axis + 1])]);
    const moved = permuteArray(seen, [0, ...invertPerm(order).map((axis) => axis + 1)]);
    return { x: e.reshape(tensor, [tensor.shape[0], inputs], name), weight: moved.reshape(weight.shape) };
  }
  const x = e.plain(node.inputs[0]);
  if (x.shape.length === 2) return { x, weight };
  const count = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return { x: e.reshape(x, [count, inputs], name, [-1, inputs]), weight };
}

export function linear(node: NodeOf<'linear'>, e: Exporter): View {
  const { shape } = e.graph.values.get(node.id)!;
  const { x, weight } = rows(node, e);
  const y = product(node, e, x, weight, [x.shape[0], weight.shape[0]]);
  if (shape.length === 2) return e.hold(node.id, y);
  return e.hold(node.id, e.reshape(y, shape, `${node.id}/unfolded`, e.batched(shape, -1)));
}

/** [m, k] times the weights, [m, n]. */
function product(
  node: NodeOf<'linear'>,
  e: Exporter,
  x: Tensor,
  weight: NDArray,
  shape: readonly number[],
): Tensor {
  const [n, k] = weight.shape;
  const o = operands(e, node, weight, 0);
  if (!isInteger(e, node, o)) {
    const factors = [e.real(x), weightReals(e, node, o), ...given(biasReals(e, node, o))];
    const real = e.build.node('Gemm', `${node.id}/gemm`, factors, { transB: 1 });
    const qparams = e.qparams(node.id);
    const active = e.activate(real, node.activation, node.id, qparams);
    return { name: e.quantize(active, node.id, qparams), shape, qparams };
  }
  if (node.bias === null)
    return integerLayer(
      e,
      node,
      'QLinearMatMul',
      x,
      { ...o, weight: permuteArray(weight, [1, 0]) },
      shape,
      {},
    );
  const image = e.reshape(x, [shape[0], k, 1, 1], `${node.id}/image`, [-1, k, 1, 1]);
  const filters = { ...o, weight: weight.reshape([n, k, 1, 1]) };
  const y = integerLayer(e, node, 'QLinearConv', image, filters, [shape[0], n, 1, 1], {
    kernel_shape: [1, 1],
  });
  return e.reshape(y, shape, `${node.id}/scores`, [-1, n]);
}
