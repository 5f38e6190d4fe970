/** Convolutions, transposed convolutions, linear layers, products of matrices. */
import { checkQParams, NDArray, permuteArray, sizeOf, type QParams } from '../../../../core/index.js';
import type { Activation, NodeDraft, Padding, Pair, ParamId, ValueId } from '../../../../graph/index.js';
import type { TfliteActivation, TflitePadding } from '../../schema.js';
import { isKnown, type Call, type Known, type Operand } from '../call.js';
import type { Network } from '../network.js';
import { dequantizedOf } from '../tensors.js';
import type { Importer } from './types.js';

export const extent = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** Whole and within reason: what a step or a size of a window has to be. */
export function positive(call: Call, ...numbers: readonly number[]): void {
  if (numbers.some((n) => !Number.isSafeInteger(n) || n < 1 || n > 2 ** 24))
    call.invalid(`has windows or steps of [${numbers.join(', ')}]`);
}

export function paddingOf(
  padding: TflitePadding,
  [, height, width]: readonly number[],
  kernel: Pair,
  stride: Pair,
  dilation: Pair = [1, 1],
): Padding {
  if (padding === 'VALID') return [0, 0, 0, 0];
  const [rows, columns] = [height, width].map((size, i): Pair => {
    const windows = Math.ceil(size / stride[i]);
    const total = Math.max((windows - 1) * stride[i] + extent(kernel[i], dilation[i]) - size, 0);
    return [Math.floor(total / 2), total - Math.floor(total / 2)];
  });
  return [rows[0], rows[1], columns[0], columns[1]];
}

/** Weights as the graph has them: floats, or codes of zero point 0. */
interface Weights {
  readonly array: NDArray;
  readonly qparams: QParams | null;
}

/** `axis` of the scales: that of the output channels, before `arrange`. */
function weightsOf(call: Call, net: Network, axis: number, arrange: (array: NDArray) => NDArray): Weights {
  const weight = call.required(1, 'weights');
  if (!call.isInteger) {
    if (weight.qparams !== null)
      net.notes.add(
        'Weights are codes under float activations (dynamic range quantization); they become floats here, and activations stay floats.',
      );
    const reals = weight.qparams === null ? weight : dequantizedOf(weight, net.allowance);
    return { array: arrange(net.floats(reals)), qparams: null };
  }
  const { qparams } = weight;
  if (qparams === null) return call.refuse('computes codes with weights that are floats');
  if (qparams.axis !== null && qparams.axis !== axis)
    call.invalid(`its weights have scales along dimension ${qparams.axis}, not ${axis}`);
  const shift = weight.dtype === 'uint8' ? 128 : 0;
  if (qparams.zeroPoint.some((z) => z !== shift))
    call.refuse(
      `its weights have the zero point ${qparams.zeroPoint[0]}, and kernels here take symmetric weights; convert the model again with int8 weights, as TensorFlow 2 does`,
    );
  const codes = net.codes(weight);
  const array =
    shift === 0
      ? codes
      : new NDArray(
          Int8Array.from(codes.data, (code) => code - shift),
          codes.shape,
        );
  const range =
    weight.dtype === 'int4' ? { quantMin: -8, quantMax: 7 } : ({ quantMin: -128, quantMax: 127 } as const);
  return {
    array: arrange(array),
    qparams: checkQParams({
      dtype: weight.dtype === 'int4' ? 'int4' : 'int8',
      scale: qparams.scale,
      zeroPoint: new Int32Array(qparams.scale.length),
      axis: qparams.axis === null ? null : 0,
      ...range,
    }),
  };
}

function biasOf(
  call: Call,
  net: Network,
  index: number,
  channels: number,
  x: QParams | null,
  weights: Weights,
): ParamId | null {
  const bias = call.known(index, 'bias');
  if (bias === null || bias.data.length === 0) return null;
  if (sizeOf(bias.dims) !== channels)
    call.invalid(`its bias has ${sizeOf(bias.dims)} values for ${channels} channels`);
  const flat: Known = { ...bias, dims: [channels] };
  if (weights.qparams === null) {
    const reals = flat.qparams === null ? flat : dequantizedOf(flat, net.allowance);
    return net.param('bias', net.floats(reals), null);
  }
  if (bias.dtype !== 'int32' || x === null) return call.refuse(`its bias is ${bias.dtype}, not int32`);
  const scale = weights.qparams.scale.map((sw) => x.scale[0] * sw);
  const qparams: QParams = {
    dtype: 'int32',
    scale,
    zeroPoint: new Int32Array(scale.length),
    axis: scale.length === 1 ? null : 0,
    quantMin: -(2 ** 31),
    quantMax: 2 ** 31 - 1,
  };
  return net.param('bias', net.codes(flat), qparams);
}

function image(call: Call, net: Network, x: Operand): ValueId {
  if (net.rank(x) !== 4)
    call.refuse(`works on a value of rank ${net.rank(x)}; images [n, h, w, c] are supported`);
  return net.value(x);
}

interface Steps {
  readonly padding: TflitePadding;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly activation: TfliteActivation;
}

function convolution(call: Call, net: Network, options: Steps, weights: Weights, groups: number): ValueId {
  const x = image(call, net, call.operand(0));
  const stride: Pair = [options.strideH, options.strideW];
  const dilation: Pair = [options.dilationH, options.dilationW];
  positive(call, ...stride, ...dilation);
  const [outputs, ...kernel] = weights.array.shape;
  const qparams = call.qparams[0];
  const draft = {
    op: 'conv2d',
    inputs: [x],
    weight: net.param('weight', weights.array, weights.qparams),
    bias: biasOf(call, net, 2, outputs, net.qparams(x), weights),
    batchNorm: null,
    stride,
    dilation,
    padding: paddingOf(options.padding, net.shape(x), [kernel[0], kernel[1]], stride, dilation),
    groups,
  } as const;
  return net.activated(options.activation, qparams, true, (activation) =>
    net.node({ ...draft, activation }, qparams),
  );
}

function channelsOf(call: Call, net: Network): number {
  const shape = net.shape(call.operand(0));
  return (
    shape[3] ?? call.refuse(`works on a value of rank ${shape.length}; images [n, h, w, c] are supported`)
  );
}

function filterShape(call: Call): readonly number[] {
  const { dims } = call.required(1, 'weights');
  if (dims.length !== 4 || sizeOf(dims) === 0) call.invalid(`its weights are [${dims.join(', ')}]`);
  return dims;
}

export const conv2d: Importer = (call, net) => {
  const inputs = channelsOf(call, net);
  const filter = filterShape(call);
  const groups = inputs / filter[3];
  if (!Number.isInteger(groups)) call.invalid(`its weights take ${filter[3]} of ${inputs} channels`);
  const weights = weightsOf(call, net, 0, (array) => array);
  return [convolution(call, net, call.options('CONV_2D'), weights, groups)];
};

export const depthwise: Importer = (call, net) => {
  const inputs = channelsOf(call, net);
  const filter = filterShape(call);
  if (filter[0] !== 1 || filter[3] % inputs !== 0)
    call.invalid(`its weights [${filter.join(', ')}] are not for ${inputs} channels`);
  const weights = weightsOf(call, net, 3, (array) => permuteArray(array, [3, 1, 2, 0]));
  return [convolution(call, net, call.options('DEPTHWISE_CONV_2D'), weights, inputs)];
};

/** stride - 1 zeros behind each pixel. */
function zerosBetween(net: Network, x: ValueId, [rows, columns]: Pair): Operand {
  if (rows === 1 && columns === 1) return x;
  const [n, h, w, c] = net.shape(x);
  const apart = net.reshape(x, [n, h, 1, w, 1, c], 'apart');
  const none: Pair = [0, 0];
  const padded = net.pad(apart, [none, none, [0, rows - 1], none, [0, columns - 1], none], 0, 'zeros');
  return net.reshape(padded, [n, h * rows, w * columns, c], 'spread');
}

interface Transposed {
  readonly padding: TflitePadding;
  readonly stride: Pair;
  readonly activation: TfliteActivation;
  /** Height and width of the result. */
  readonly size: Pair;
  readonly bias: number;
}

/**
 * A convolution of stride 1 over the image with `stride - 1` zeros behind each pixel, its filters turned by 180 degrees
 * (Dumoulin and Visin 2016, "A guide to convolution arithmetic", section 4). Input 1 are the weights.
 */
function transposed(call: Call, net: Network, input: Operand, t: Transposed): ValueId {
  const x = image(call, net, input);
  const [, height, width, inputs] = net.shape(x);
  const filter = filterShape(call);
  const [outputs, kernelHeight, kernelWidth] = filter;
  positive(call, ...t.stride, ...t.size);
  if (filter[3] !== inputs) call.invalid(`its weights take ${filter[3]} channels, not ${inputs}`);
  const weights = weightsOf(call, net, 0, (array) => turned(array));
  const around = [height, width].map((size, i): Pair => {
    const kernel = filter[1 + i];
    const total = t.padding === 'SAME' ? Math.max((size - 1) * t.stride[i] + kernel - t.size[i], 0) : 0;
    const before = kernel - 1 - Math.floor(total / 2);
    return [before, t.size[i] - size * t.stride[i] - before + kernel - 1];
  });
  const spread = zerosBetween(net, x, t.stride);
  const qparams = call.qparams[0];
  const padded = net.pad(spread, [[0, 0], around[0], around[1], [0, 0]], 0, 'padded');
  const draft = {
    op: 'conv2d',
    inputs: [net.value(padded)],
    weight: net.param('weight', weights.array, weights.qparams),
    bias: biasOf(call, net, t.bias, outputs, net.qparams(x), weights),
    batchNorm: null,
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    groups: 1,
  } as const;
  if (kernelHeight * kernelWidth === 0) call.invalid('has no kernel');
  return net.activated(t.activation, qparams, true, (activation) =>
    net.node({ ...draft, activation }, qparams),
  );
}

/** OHWI filters turned by 180 degrees. */
function turned(array: NDArray): NDArray {
  const [outputs, height, width, inputs] = array.shape;
  const out = NDArray.like(array);
  const cells = height * width;
  for (let o = 0; o < outputs; o++)
    for (let cell = 0; cell < cells; cell++) {
      const from = (o * cells + cell) * inputs;
      out.data.set(
        array.data.subarray(from, from + inputs) as never,
        (o * cells + cells - 1 - cell) * inputs,
      );
    }
  return out;
}

export const transposeConv: Importer = (call, net) => {
  const { padding, strideH, strideW, activation } = call.options('TRANSPOSE_CONV');
  const size = call.list(0, 'output shape');
  if (size.length !== 4) call.invalid(`makes [${size.join(', ')}], which is no image`);
  const t: Transposed = {
    padding,
    stride: [strideH, strideW],
    activation,
    size: [size[1], size[2]],
    bias: 3,
  };
  return [transposed(call, net, call.operand(2), t)];
};

/** MediaPipe's transposed convolution: (image, weights, bias), its options a C structure of three 32-bit numbers. */
export const mediapipeTransposeConv: Importer = (call, net) => {
  const { operator } = call;
  const bytes = operator.op === 'CUSTOM' ? operator.options : null;
  if (bytes === null || bytes.length < 12) return call.invalid('has no options');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [code, strideW, strideH] = [0, 4, 8].map((at) => view.getInt32(at, true));
  if (code !== 1 && code !== 2) return call.invalid(`its padding has the code ${code}`);
  positive(call, strideH, strideW);
  const padding = code === 1 ? 'SAME' : 'VALID';
  const [, ...spatial] = net.shape(call.operand(0));
  const [, ...kernel] = filterShape(call);
  const size = [strideH, strideW].map((stride, i) =>
    padding === 'SAME' ? spatial[i] * stride : (spatial[i] - 1) * stride + kernel[i],
  );
  const t: Transposed = {
    padding,
    stride: [strideH, strideW],
    activation: 'NONE',
    size: [size[0], size[1]],
    bias: 2,
  };
  return [transposed(call, net, call.operand(0), t)];
};

export const fullyConnected: Importer = (call, net) => {
  const { activation, weightsFormat, keepNumDims } = call.options('FULLY_CONNECTED');
  if (weightsFormat !== 'DEFAULT')
    call.refuse('its weights are shuffled for one processor; convert the model again');
  const weight = call.operand(1);
  const [outputs, inputs] = net.shape(weight);
  if (net.rank(weight) !== 2 || outputs * inputs === 0)
    call.invalid(`its weights are [${net.shape(weight).join(', ')}]`);
  let x = call.operand(0);
  const from = net.shape(x);
  const rows = sizeOf(from) / inputs;
  if (!Number.isInteger(rows)) call.invalid(`its weights take ${inputs} of [${from.join(', ')}]`);
  const keeps = keepNumDims && from.at(-1) === inputs;
  if (!keeps && from.length !== 2) x = net.reshape(x, [rows, inputs], 'rows');
  if (net.rank(x) === 1) x = net.reshape(x, [1, inputs], 'row');
  const qparams = call.qparams[0];
  if (!isKnown(weight)) return [product(call, net, x, weight, activation)];
  const weights = weightsOf(call, net, 0, (array) => array);
  const draft = {
    op: 'linear',
    inputs: [net.value(x)],
    weight: net.param('weight', weights.array, weights.qparams),
    bias: biasOf(call, net, 2, outputs, net.qparams(x), weights),
    batchNorm: null,
  } as const;
  return [
    net.activated(activation, qparams, true, (a: Activation) =>
      net.node({ ...draft, activation: a } as NodeDraft, qparams),
    ),
  ];
};

/** Weights that are computed. */
function product(
  call: Call,
  net: Network,
  x: Operand,
  weight: Operand,
  activation: TfliteActivation,
): ValueId {
  call.floatOnly();
  if (net.rank(x) !== 2) return call.refuse('multiplies values of more than two axes with computed weights');
  const columns = net.transpose(weight, [1, 0]);
  const inputs = [x, columns].map((operand) => net.value(net.real(operand)));
  return net.activated(activation, null, false, () => {
    const y = net.node({ op: 'matmul', inputs }, null, 'product');
    const bias = call.inputs[2] ?? null;
    return bias === null ? y : net.binary('add', y, bias);
  });
}

export const batchMatmul: Importer = (call, net) => {
  call.floatOnly();
  const { adjX, adjY } = call.options('BATCH_MATMUL');
  const inputs = net.aligned([call.operand(0), call.operand(1)]).map((operand, i) => {
    const rank = net.rank(operand);
    if (rank < 2) call.invalid('multiplies values that are no matrices');
    const order = Array.from({ length: rank }, (_, axis) => axis);
    const swapped = [...order.slice(0, -2), rank - 1, rank - 2];
    const flipped = i === 0 ? adjX : adjY;
    return net.value(net.real(flipped ? net.transpose(operand, swapped, `swapped${i}`) : operand));
  });
  return [net.node({ op: 'matmul', inputs })];
};
