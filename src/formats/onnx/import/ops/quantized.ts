/**
 * Quantized operators. On values they become quantize and dequantize nodes around float layers whose parameters remember
 * their integers; integers.ts makes an integer graph of that where it can. On constants they are computed.
 */
import { checkQParams, perTensor, type QParams } from '../../../../core/index.js';
import type { ValueId } from '../../../../graph/index.js';
import { isConstant, type Call } from '../call.js';
import { withDims, type Constant } from '../constants.js';
import type { Network } from '../network.js';
import {
  codeRange,
  convolveCodes,
  dequantizeConstant,
  dynamicQuantize,
  multiplyCodes,
  quantizeConstant,
  requantizeCodes,
  zeroPoints,
  type Grid,
} from '../quantized.js';
import { paddingFor, readWindow } from '../window.js';
import { CONVOLUTION } from './convolution.js';
import { MATRIX } from './matrix.js';
import type { Importer, Importers } from './types.js';

/** The grid that a scale and a zero point describe for a value of `rank`. */
function gridOf(call: Call, at: number, rank: number, channelAxis: number, fallback: Grid['dtype']): Grid {
  const scale = call.required(at, 'scale');
  const zero = call.constant(at + 1, 'zero point');
  const many = scale.dims.length > 0 && scale.data.length !== 1;
  if (scale.dims.length > 1) call.refuse('has scales for blocks, which are not supported');
  if (zero !== null && zero.data.length !== scale.data.length)
    call.invalid(`has ${scale.data.length} scales and ${zero.data.length} zero points`);
  return {
    scale: Float32Array.from(scale.data),
    zeroPoint: zero === null ? new Int32Array(scale.data.length) : Int32Array.from(zero.data),
    dtype: zero?.dtype ?? fallback,
    axis: many ? call.axis(channelAxis, rank) : null,
  };
}

/** Qparams of a value, which has one scale and codes of 8 bits. */
export function qparamsOf(call: Call, { scale, zeroPoint, dtype, axis }: Grid): QParams {
  if (axis !== null)
    return call.refuse(
      'quantizes a value with a scale per channel; values have one scale, parameters may have many',
    );
  if (dtype !== 'int8' && dtype !== 'uint8')
    return call.refuse(`quantizes a value to ${dtype}; int8 and uint8 are supported`);
  const [quantMin, quantMax] = codeRange(dtype)!;
  return checkQParams(perTensor(scale[0], zeroPoint[0], { quantMin, quantMax }), call.where);
}

const quantizeLinear: Importer = (call, net) => {
  const x = call.operand(0);
  call.ignore('saturate', 'precision');
  if (call.int('block_size', 0) !== 0) call.refuse('quantizes in blocks, which is not supported');
  const given = call.int('output_dtype', 0);
  if (given !== 0 && given !== 2 && given !== 3) call.refuse(`output_dtype ${given} is not supported`);
  const grid = gridOf(call, 1, net.rank(x), call.int('axis', 1), given === 3 ? 'int8' : 'uint8');
  if (codeRange(grid.dtype) === null) call.refuse(`codes of ${grid.dtype} are not supported`);
  if (isConstant(x)) return [checkChannels(call, x, grid, () => quantizeConstant(net.allowance, x, grid))];
  return [net.quantize(x, qparamsOf(call, grid))];
};

function checkChannels(call: Call, x: Constant, { axis, scale }: Grid, then: () => Constant): Constant {
  if (axis !== null && x.dims[axis] !== scale.length)
    call.invalid(`has ${scale.length} scales for an axis of ${x.dims[axis]}`);
  return then();
}

const dequantizeLinear: Importer = (call, net) => {
  const x = call.operand(0);
  if (call.int('block_size', 0) !== 0) call.refuse('dequantizes blocks, which is not supported');
  const stored = isConstant(x) ? x.dtype : 'uint8';
  const grid = gridOf(call, 1, net.rank(x), call.int('axis', 1), stored);
  if (isConstant(x)) return [checkChannels(call, x, grid, () => dequantizeConstant(net.allowance, x, grid))];
  return [net.dequantize(x, qparamsOf(call, grid))];
};

const dynamicQuantizeLinear: Importer = (call, net) => {
  const x = call.operand(0);
  return isConstant(x)
    ? dynamicQuantize(net.allowance, x)
    : call.refuse(
        'chooses scales while the model runs, which integer kernels here do not; import the float model and quantize it',
      );
};

/** A constant with the grid that two inputs describe, dequantized. */
function dequantized(call: Call, net: Network, i: number, axis: number): Constant {
  const codes = call.required(i, 'weight');
  const grid = gridOf(call, i + 1, codes.dims.length, axis, codes.dtype);
  return checkChannels(call, codes, grid, () => dequantizeConstant(net.allowance, codes, grid));
}

/** The float operator between a dequantize and a quantize node. */
function between(
  call: Call,
  net: Network,
  importer: Importer,
  opType: string,
  weight: Constant,
  bias: Constant | null,
): ValueId {
  const x = call.operand(0) as ValueId;
  const input = qparamsOf(call, gridOf(call, 1, net.rank(x), 1, 'uint8'));
  const real = net.dequantize(x, input, 'real');
  const output = qparamsOf(call, gridOf(call, 6, 4, 1, 'uint8'));
  const [y] = importer(call.as(opType, [real, weight, bias]), net);
  return net.quantize(y as ValueId, output);
}

/** Int32 codes of a bias, whose scale is that of the products. */
function biasOf(call: Call, net: Network, weight: Constant): Constant | null {
  const codes = call.constant(8, 'bias');
  if (codes === null) return null;
  const input = call.required(1, 'scale').data[0];
  const scale = weight.dequantized!.scale.map((s) => Math.fround(input * s));
  const grid: Grid = {
    scale,
    zeroPoint: new Int32Array(scale.length),
    dtype: 'int32',
    axis: scale.length > 1 ? 0 : null,
  };
  return checkChannels(call, codes, grid, () => dequantizeConstant(net.allowance, codes, grid));
}

/** Sums of ConvInteger and QLinearConv on constants. */
function convolve(
  call: Call,
  net: Network,
  x: Constant,
  w: Constant,
  zx: number,
  zw: Constant | null,
): Constant {
  const rank = x.dims.length;
  if (rank !== 3 && rank !== 4) call.refuse(`works on values of rank ${rank}; 3 and 4 are supported`);
  const window = readWindow(call, rank, w.dims.slice(2));
  const groups = call.int('group', 1);
  const wide = (a: Constant): Constant =>
    rank === 4 ? a : withDims(a, [a.dims[0], a.dims[1], 1, a.dims[2]]);
  const [image, filters] = [wide(x), wide(w)];
  if (w.dims.length !== rank || filters.dims[1] * groups !== image.dims[1] || filters.dims[0] % groups !== 0)
    call.invalid(`weights [${w.dims.join(', ')}] do not fit [${x.dims.join(', ')}]`);
  const padding = paddingFor(window, [image.dims[2], image.dims[3]]);
  const sums = convolveCodes(net.allowance, image, filters, zx, zeroPoints(zw), window, padding, groups);
  return rank === 4 ? sums : withDims(sums, [sums.dims[0], sums.dims[1], sums.dims[3]]);
}

const qLinearConv: Importer = (call, net) => {
  const x = call.operand(0);
  const weight = dequantized(call, net, 3, 0);
  if (!isConstant(x))
    return [between(call, net, CONVOLUTION.Conv, 'Conv', weight, biasOf(call, net, weight))];
  const w = weight.dequantized!;
  const zx = call.number(2, 'zero point', 0);
  const sums = convolve(call, net, x, w.codes, zx, call.constant(5, 'zero point'));
  const channels = sums.dims[1];
  const bias = call.constant(8, 'bias');
  const inner = sums.data.length / (sums.dims[0] * channels);
  const channel = (i: number): number => Math.floor(i / inner) % channels;
  if (bias !== null) for (let i = 0; i < sums.data.length; i++) sums.data[i] += bias.data[channel(i)];
  const y = gridOf(call, 6, x.dims.length, 1, 'uint8');
  qparamsOf(call, y);
  return [requantizeCodes(net.allowance, sums, call.number(1, 'scale', 1), w.scale, y, channel)];
};

/** Matrices of codes that fit each other. */
function multiply(
  call: Call,
  net: Network,
  a: Constant,
  b: Constant,
  za: Constant | null,
  zb: Constant | null,
): Constant {
  if (a.dims.length < 2 || b.dims.length < 2 || a.dims.at(-1) !== b.dims.at(-2))
    call.invalid(`[${a.dims.join(', ')}] and [${b.dims.join(', ')}] are not matrices that can be multiplied`);
  return multiplyCodes(net.allowance, a, b, zeroPoints(za), zeroPoints(zb));
}

const qLinearMatMul: Importer = (call, net) => {
  const a = call.operand(0);
  const weight = dequantized(call, net, 3, -1);
  if (!isConstant(a)) return [between(call, net, MATRIX.MatMul, 'MatMul', weight, null)];
  const { codes, scale } = weight.dequantized!;
  const zeros = [call.constant(2, 'zero point'), call.constant(5, 'zero point')] as const;
  const sums = multiply(call, net, a, codes, ...zeros);
  const y = gridOf(call, 6, a.dims.length, 1, 'uint8');
  qparamsOf(call, y);
  const columns = sums.dims[sums.dims.length - 1];
  return [requantizeCodes(net.allowance, sums, call.number(1, 'scale', 1), scale, y, (i) => i % columns)];
};

/** Sums that leave the integers: there is no such value in a graph, whose layers end in codes or in floats. */
const integerOnly = (call: Call, i: number): Constant => {
  const operand = call.operand(i);
  return isConstant(operand)
    ? operand
    : call.refuse(
        'gives int32 sums, which values here cannot be; use QLinear or QDQ operators, or quantize the float model here',
      );
};

const convInteger: Importer = (call, net) => {
  const [x, w] = [integerOnly(call, 0), integerOnly(call, 1)];
  const zx = call.number(2, 'zero point', 0);
  return [convolve(call, net, x, w, zx, call.constant(3, 'zero point'))];
};

const matMulInteger: Importer = (call, net) => {
  const [a, b] = [integerOnly(call, 0), integerOnly(call, 1)];
  return [multiply(call, net, a, b, call.constant(2, 'zero point'), call.constant(3, 'zero point'))];
};

export const QUANTIZED: Importers = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
};
