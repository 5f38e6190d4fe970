/**
 * Convolutions and linear layers. As QDQ: a float op between DequantizeLinear and QuantizeLinear. As QOperator: QLinearConv,
 * which has a bias, also for linear layers, and QLinearMatMul for those without one.
 */
import {
  GraphError,
  invertPerm,
  NDArray,
  permuteArray,
  sameQParams,
  type QParams,
  type Shape,
} from '../../../core/index.js';
import type { Activation, LayerNode, NodeOf, Padding, ValueId } from '../../../graph/index.js';
import type { Attributes } from './builder.js';
import { asFloats, codesFrom } from './codes.js';
import type { Exporter } from './exporter.js';
import { NHWC_IN_NCHW, type Tensor, type View } from './view.js';

/** TensorProto.DataType */
const FLOAT = 1;

/** A layer as the file has it. */
interface Layer {
  readonly id: ValueId;
  readonly activation: Activation;
  readonly x: Tensor;
  /** Output channels first, or last for QLinearMatMul. */
  readonly weight: NDArray;
  readonly weightName: string;
  /** Of symmetric codes; null where the weights are floats. */
  readonly scale: Float32Array | null;
  readonly bias: NDArray | null;
  readonly biasName: string;
  /** Of the output. */
  readonly shape: Shape;
  readonly qparams: QParams | null;
}

function layerOf(e: Exporter, node: LayerNode, x: Tensor, weight: NDArray, shape: Shape): Layer {
  const { qparams } = e.graph.params.get(node.weight)!;
  if (qparams?.zeroPoint.some((z) => z !== 0))
    throw new GraphError(
      `node ${node.id}: the zero point of ${node.weight} is not 0; weights are symmetric here`,
    );
  return {
    id: node.id,
    activation: node.activation,
    x,
    weight,
    weightName: node.weight,
    scale: qparams?.scale ?? null,
    bias: node.bias === null ? null : e.parameter(node.bias),
    biasName: node.bias ?? '',
    shape,
    qparams: e.qparams(node.id),
  };
}

/** One scale, or one per channel. */
const scaleDims = (scale: Float32Array): number[] => (scale.length === 1 ? [] : [scale.length]);
const channelAxis = (scale: Float32Array): Attributes => (scale.length === 1 ? {} : { axis: 0 });

/** Codes of the weights, their scale and zero point. */
function weightCodes(e: Exporter, { weight, weightName }: Layer, scale: Float32Array): string[] {
  const dims = scaleDims(scale);
  return [
    e.build.constant(weightName, 'int8', weight.shape, codesFrom('int8', weight.data as Int8Array)),
    e.build.floats(`${weightName}/scale`, scale, dims),
    e.build.constant(`${weightName}/zero_point`, 'int8', dims, new Int8Array(scale.length)),
  ];
}

function weightReals(e: Exporter, layer: Layer): string {
  const { weight, weightName, scale } = layer;
  if (scale === null) return e.build.floats(weightName, asFloats(weight.data), weight.shape);
  const inputs = weightCodes(e, layer, scale);
  return e.build.node('DequantizeLinear', `${weightName}/dequantized`, inputs, channelAxis(scale));
}

/** A list of the bias, or of nothing. */
function biasCodes(e: Exporter, { bias, biasName }: Layer): string[] {
  if (bias === null) return [];
  return [e.build.constant(biasName, 'int32', bias.shape, Int32Array.from(bias.data))];
}

/** int32 codes of scale f32(sx * sw), or floats. */
function biasReals(e: Exporter, layer: Layer): string[] {
  const { id, bias, biasName, scale, x } = layer;
  if (bias === null) return [];
  if (!(bias.data instanceof Int32Array)) return [e.build.floats(biasName, asFloats(bias.data), bias.shape)];
  if (scale === null || x.qparams === null)
    throw new GraphError(`node ${id}: its bias is int32 codes, but its input or its weights are floats`);
  const [sx] = x.qparams.scale;
  const dims = scaleDims(scale);
  const inputs = [
    ...biasCodes(e, layer),
    e.build.floats(
      `${biasName}/scale`,
      scale.map((s) => s * sx),
      dims,
    ),
    e.build.constant(`${biasName}/zero_point`, 'int32', dims, new Int32Array(scale.length)),
  ];
  return [e.build.node('DequantizeLinear', `${biasName}/dequantized`, inputs, channelAxis(scale))];
}

/** Whether a layer is written as one of ONNX's integer operators. */
function isInteger(e: Exporter, { scale, x, qparams }: Layer): boolean {
  return e.style === 'qoperator' && scale !== null && x.qparams !== null && qparams !== null;
}

function integerLayer(
  e: Exporter,
  layer: Layer,
  opType: 'QLinearConv' | 'QLinearMatMul',
  attributes: Attributes,
): Tensor {
  const { id, x, shape, scale, activation } = layer;
  const qparams = layer.qparams!;
  const inputs = [
    ...[x.name, ...e.scales(x.qparams!, x.name)],
    ...weightCodes(e, layer, scale!),
    ...e.scales(qparams, id),
    ...(opType === 'QLinearConv' ? biasCodes(e, layer) : []),
  ];
  let name = e.clampCodes(e.build.node(opType, `${id}/codes`, inputs, attributes), id, qparams);
  if (!e.impliedBy(qparams, activation))
    name = e.quantize(e.activate(e.real({ name, shape, qparams }), activation, id, qparams), id, qparams);
  return { name, shape, qparams };
}

function floatLayer(e: Exporter, layer: Layer, opType: 'Conv' | 'Gemm', attributes: Attributes): Tensor {
  const { id, x, shape, activation, qparams } = layer;
  const inputs = [e.real(x), weightReals(e, layer), ...biasReals(e, layer)];
  const real = e.build.node(opType, `${id}/${opType.toLowerCase()}`, inputs, attributes);
  return { name: e.quantize(e.activate(real, activation, id, qparams), id, qparams), shape, qparams };
}

/** ONNX: all beginnings, then all ends. */
export function pads([top, bottom, left, right]: Padding): readonly number[] {
  return [top, left, bottom, right];
}

/** The shape of an NHWC value in the file. */
export function channelsFirstShape([n, h, w, c]: Shape): number[] {
  return [n, c, h, w];
}

function convolution(e: Exporter, layer: Layer, attributes: Attributes): View {
  const tensor = isInteger(e, layer)
    ? integerLayer(e, layer, 'QLinearConv', attributes)
    : floatLayer(e, layer, 'Conv', attributes);
  return e.hold(layer.id, tensor, NHWC_IN_NCHW);
}

export function conv2d(node: NodeOf<'conv2d'>, e: Exporter): View {
  const x = e.channelsFirst(node.inputs[0]);
  const weight = permuteArray(e.parameter(node.weight), [0, 3, 1, 2]);
  const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
  return convolution(e, layerOf(e, node, x, weight, shape), {
    kernel_shape: weight.shape.slice(2),
    strides: node.stride,
    pads: pads(node.padding),
    dilations: node.dilation,
    group: node.groups,
  });
}

/** The scale of weights for which `f32(f32(s * scale) / s)`, what a runtime multiplies sums with, is `wanted`; near it at least. */
function quotientScale(s: number, wanted: number): number {
  const near = [0, 1, -1, 2, -2].map((ulps) => Math.fround(wanted * (1 + ulps * 2 ** -23)));
  return near.find((scale) => Math.fround(Math.fround(s * scale) / s) === wanted) ?? wanted;
}

/**
 * The average of an even number of codes is often half a step. AveragePool computes it of floats, whose noise then decides
 * which way it rounds. A convolution with ones has the sum as an integer: its results are exact.
 */
export function avgPool2d(node: NodeOf<'avgPool2d'>, e: Exporter): View {
  const x = e.channelsFirst(node.inputs[0]);
  const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
  const qparams = e.qparams(node.id);
  const attributes = { kernel_shape: node.kernel, strides: node.stride, pads: pads(node.padding) };
  const count = node.kernel[0] * node.kernel[1];
  const wholeWindows = node.countIncludePad || node.padding.every((p) => p === 0);
  const ties = x.qparams !== null && qparams !== null && sameQParams(x.qparams, qparams) && count % 2 === 0;
  if (!ties || !wholeWindows) {
    const all = { ...attributes, count_include_pad: Number(node.countIncludePad) };
    const real = e.build.node('AveragePool', `${node.id}/pooled`, [e.real(x)], all);
    return e.result(node, real, shape, NHWC_IN_NCHW);
  }
  const channels = shape[1];
  const layer: Layer = {
    ...{ id: node.id, activation: 'none', x, shape, qparams, bias: null, biasName: '' },
    weight: NDArray.full([channels, 1, ...node.kernel], 1, 'int8'),
    weightName: `${node.id}/ones`,
    scale: Float32Array.of(quotientScale(qparams.scale[0], Math.fround(1 / count))),
  };
  return convolution(e, layer, { ...attributes, group: channels });
}

type DenseNode = NodeOf<'linear'> | NodeOf<'dynamicLinear'>;

/** The rows that a linear layer multiplies, and its weights in the order of their elements. */
function rows(node: DenseNode, e: Exporter): { x: Tensor; weight: NDArray } {
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

/** The value of a layer from its rows. */
function unfolded({ id }: DenseNode, e: Exporter, y: Tensor): View {
  const { shape } = e.graph.values.get(id)!;
  if (shape.length === 2) return e.hold(id, y);
  return e.hold(id, e.reshape(y, shape, `${id}/unfolded`, e.batched(shape, -1)));
}

export function linear(node: NodeOf<'linear'>, e: Exporter): View {
  const { x, weight } = rows(node, e);
  return unfolded(node, e, product(node, e, x, weight, [x.shape[0], weight.shape[0]]));
}

/**
 * The nodes that ONNX Runtime makes one of. Weights are written as uint8: with int8 it adds pairs of products in 16 bits, which
 * saturate on x86 processors without VNNI (sums of two products are wrong there, seen with onnxruntime-node on AVX2).
 */
export function dynamicLinear(node: NodeOf<'dynamicLinear'>, e: Exporter): View {
  const { id, weight: name, bias, activation } = node;
  const { build } = e;
  const { x, weight } = rows(node, e);
  const [n, k] = weight.shape;
  const names = ['codes', 'scale', 'zero_point'].map((part) => `${id}/${part}`);
  const [codes, scale, zeroPoint] = build.nodeOf('DynamicQuantizeLinear', names, [e.real(x)]);
  const turned = codesFrom('uint8', permuteArray(weight, [1, 0]).data as Int8Array, 128);
  const stored = build.constant(name, 'uint8', [k, n], turned);
  const middle = build.constant(`${name}/zero_point`, 'uint8', [], Uint8Array.of(128));
  const sums = build.node('MatMulInteger', `${id}/sums`, [codes, stored, zeroPoint, middle]);
  const real = build.node('Cast', `${id}/cast`, [sums], { to: FLOAT });
  const { scale: scales } = e.graph.params.get(name)!.qparams!;
  const weightScale = build.floats(`${name}/scale`, scales, scaleDims(scales));
  const factor = build.node('Mul', `${id}/factor`, [scale, weightScale]);
  let y = build.node('Mul', `${id}/scaled`, [real, factor]);
  if (bias !== null) {
    const { data, shape } = e.parameter(bias);
    y = build.node('Add', `${id}/biased`, [y, build.floats(bias, asFloats(data), shape)]);
  }
  const active = e.activate(y, activation, id, null);
  return unfolded(node, e, { name: active, shape: [x.shape[0], n], qparams: null });
}

/** [m, k] times the weights, [m, n]. */
function product(node: NodeOf<'linear'>, e: Exporter, x: Tensor, weight: NDArray, shape: Shape): Tensor {
  const [n, k] = weight.shape;
  const layer = layerOf(e, node, x, weight, shape);
  if (!isInteger(e, layer)) return floatLayer(e, layer, 'Gemm', { transB: 1 });
  if (node.bias === null)
    return integerLayer(e, { ...layer, weight: permuteArray(weight, [1, 0]) }, 'QLinearMatMul', {});
  const image = {
    ...layer,
    x: e.reshape(x, [shape[0], k, 1, 1], `${node.id}/image`, [-1, k, 1, 1]),
    weight: weight.reshape([n, k, 1, 1]),
    shape: [shape[0], n, 1, 1],
  };
  const y = integerLayer(e, image, 'QLinearConv', { kernel_shape: [1, 1] });
  return e.reshape(y, shape, `${node.id}/scores`, [-1, n]);
}
