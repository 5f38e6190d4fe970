/** Convolutions and linear layers: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED. */
import {
  GraphError,
  permuteArray,
  UnsupportedError,
  type NDArray,
  type QParams,
} from '../../../core/index.js';
import type { LayerNode, NodeOf } from '../../../graph/index.js';
import type { TfliteBuiltin, TfliteOptionsOf } from '../types.js';
import { ACTIVATIONS, type Exporter } from './exporter.js';
import { padded, placement } from './windows.js';
import type { TensorId } from './writer.js';

/** Codes of weights; null for floats. */
function weightCodes(node: LayerNode, e: Exporter): QParams | null {
  const { id, qparams } = e.param(node.weight);
  if ((qparams !== null) !== e.isInteger(node))
    throw new GraphError(
      `node ${node.id}: its weights are ${qparams === null ? 'floats' : 'codes'}, its input or its output is not; quantize all of them or none`,
    );
  if (qparams?.zeroPoint.some((z) => z !== 0) === true)
    throw new GraphError(`node ${node.id}: the zero point of ${id} is not 0; weights are symmetric here`);
  return qparams;
}

function weightTensor(node: LayerNode, e: Exporter, array: NDArray, dimension: number): TensorId {
  const qparams = weightCodes(node, e);
  if (qparams === null)
    return e.write.constant(node.weight, 'float32', array.shape, array.data as Float32Array);
  const { scale, zeroPoint } = qparams;
  const codes = { scale, zeroPoint, dimension: scale.length === 1 ? 0 : dimension };
  return e.write.constant(node.weight, 'int8', array.shape, Int8Array.from(array.data), codes);
}

/** The bias, zeros where the layer has none: runtimes demand one. Its scale is f32(sx * sw). */
function biasTensor(node: LayerNode, e: Exporter): TensorId {
  const [channels] = e.param(node.weight).array.shape;
  const name = node.bias ?? `${node.id}.bias`;
  const data = node.bias === null ? null : e.param(node.bias).array.data;
  const qparams = weightCodes(node, e);
  if (qparams === null)
    return e.write.constant(
      name,
      'float32',
      [channels],
      Float32Array.from(data ?? new Float32Array(channels)),
    );
  if (data !== null && !(data instanceof Int32Array))
    throw new GraphError(`node ${node.id}: its bias is not int32 codes; use convert() first`);
  const [sx] = e.qparams(node.inputs[0])!.scale;
  const codes = {
    scale: qparams.scale.map((sw) => sx * sw),
    zeroPoint: new Int32Array(qparams.scale.length),
    dimension: 0,
  };
  return e.write.constant(name, 'int32', [channels], data ?? new Int32Array(channels), codes);
}

export function conv2d(node: NodeOf<'conv2d'>, e: Exporter): TensorId {
  const { array } = e.param(node.weight);
  const [outputs, kernelHeight, kernelWidth, perGroup] = array.shape;
  const { groups } = node;
  const [id] = node.inputs;
  const place = placement(e.shape(id), e.shape(node.id), [kernelHeight, kernelWidth], node.dilation, node);
  const x = place.padding === 'PAD' ? padded(e, id, place, node.id) : e.value(id);
  const options = {
    padding: place.padding === 'PAD' ? 'VALID' : place.padding,
    strideH: node.stride[0],
    strideW: node.stride[1],
    dilationH: node.dilation[0],
    dilationW: node.dilation[1],
    activation: ACTIVATIONS[node.activation],
  } as const;
  const bias = biasTensor(node, e);
  if (groups > 1 && perGroup === 1) {
    const weight = permuteArray(array, [3, 1, 2, 0]);
    return e.node(node, 'DEPTHWISE_CONV_2D', [x, weightTensor(node, e, weight, 3), bias], {
      ...options,
      depthMultiplier: outputs / groups,
    });
  }
  const weight = weightTensor(node, e, array, 0);
  const convolution = { ...options, quantizedBiasType: 'float32' } as const;
  if (groups === 1) return e.node(node, 'CONV_2D', [x, weight, bias], convolution);
  return grouped(node, e, { x, weight, bias }, convolution);
}

interface Operands {
  readonly x: TensorId;
  readonly weight: TensorId;
  readonly bias: TensorId;
}

/**
 * A convolution for each group: CONV_2D takes groups itself only from TensorFlow 2.10 on, and XNNPACK needs the split
 * neither way. The codes are the same, for the parts have the qparams of the whole.
 */
function grouped(
  node: NodeOf<'conv2d'>,
  e: Exporter,
  { x, weight, bias }: Operands,
  options: TfliteOptionsOf<'CONV_2D'>,
): TensorId {
  const { groups } = node;
  const { write } = e;
  const [n, h, w, c] = write.at(x).shape;
  const [outputs, ...kernel] = write.at(weight).shape;
  const each = outputs / groups;
  const codes = e.codes(node.inputs[0]);
  const parts = Array.from({ length: groups }, (_, g) =>
    write.tensor(`${node.id}/input${g}`, [n, h, w, c / groups], codes),
  );
  write.operator('SPLIT', [write.int32s([3], []), x], { numSplits: groups }, parts);
  const [, rows, columns] = e.shape(node.id);
  const results = parts.map((part, g) => {
    const [filter, offsets] = [weight, bias].map((tensor) => slicedConstant(e, tensor, g * each, each));
    return e.operator(
      'CONV_2D',
      [part, filter, offsets],
      options,
      `${node.id}/group${g}`,
      [n, rows, columns, each],
      e.codes(node.id),
    );
  });
  if (kernel.length !== 3) throw new GraphError(`node ${node.id}: its weights are not a filter`);
  return e.node(node, 'CONCATENATION', results, { axis: 3, activation: 'NONE' });
}

/** `count` entries of the first axis of a constant, with their scales. */
function slicedConstant(e: Exporter, tensor: TensorId, start: number, count: number): TensorId {
  const { name, dtype, shape, data, quantization } = e.write.at(tensor);
  const per = data!.length / shape[0];
  const part = data!.slice(start * per, (start + count) * per);
  const own = quantization !== null && quantization.scale.length > 1;
  const codes = quantization && {
    scale: own ? quantization.scale.slice(start, start + count) : quantization.scale,
    zeroPoint: own ? quantization.zeroPoint.slice(start, start + count) : quantization.zeroPoint,
    dimension: 0,
  };
  return e.write.constant(name, dtype, [count, ...shape.slice(1)], part as never, codes);
}

/** Weights per channel, and what is done about them. */
function layout(node: NodeOf<'linear'>, e: Exporter): 'fullyConnected' | 'convolution' {
  if ((weightCodes(node, e)?.scale.length ?? 1) === 1) return 'fullyConnected';
  const { perChannelLinear } = e.options;
  if (perChannelLinear === 'refuse')
    throw new UnsupportedError(
      `node ${node.id}: ${node.weight} has a scale per channel, which FULLY_CONNECTED of TensorFlow Lite up to 2.9 ignores and computes wrong results with; ` +
        `quantize with linearGranularity: 'per-tensor', or export with perChannelLinear: 'convolution' (the same codes, by a 1x1 CONV_2D) or 'fullyConnected' (for runtimes that take it, such as LiteRT)`,
    );
  return perChannelLinear;
}

export function linear(node: NodeOf<'linear'>, e: Exporter): TensorId {
  const { array } = e.param(node.weight);
  const [outputs, inputs] = array.shape;
  const [id] = node.inputs;
  const activation = ACTIVATIONS[node.activation];
  const shape = e.shape(node.id);
  if (layout(node, e) === 'fullyConnected')
    return e.node(
      node,
      'FULLY_CONNECTED',
      [e.value(id), weightTensor(node, e, array, 0), biasTensor(node, e)],
      {
        activation,
        weightsFormat: 'DEFAULT',
        keepNumDims: shape.length !== 2,
        asymmetricQuantizeInputs: false,
        quantizedBiasType: 'float32',
      },
    );
  const rows = e.size(id) / inputs;
  const image = e.reshaped(e.value(id), [rows, 1, 1, inputs], `${node.id}/image`);
  const filter = weightTensor(node, e, array.reshape([outputs, 1, 1, inputs]), 0);
  const y = e.operator(
    'CONV_2D',
    [image, filter, biasTensor(node, e)],
    {
      padding: 'VALID',
      strideH: 1,
      strideW: 1,
      dilationH: 1,
      dilationW: 1,
      activation,
      quantizedBiasType: 'float32',
    },
    `${node.id}/conv`,
    [rows, 1, 1, outputs],
    e.codes(node.id),
  );
  return reshapeTo(node, e, y);
}

/** The value of a node from a tensor of its elements. */
export function reshapeTo(node: LayerNode | NodeOf<'reshape'>, e: Exporter, tensor: TensorId): TensorId {
  const shape = e.shape(node.id);
  const op: TfliteBuiltin = 'RESHAPE';
  return e.node(node, op, [tensor, e.write.int32s(shape)], { newShape: shape });
}
