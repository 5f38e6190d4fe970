/** What imports each builtin operator. */
import { roundHalfEven, UNARY_FUNCTIONS } from '../../../../../kernels/index.js';
import type { TfliteBuiltin } from '../../types.js';
import * as b from './blocks.js';
import * as e from './elementwise.js';
import * as l from './layers.js';
import * as m from './movement.js';
import * as r from './reduction.js';
import type { Importer } from './types.js';

const same = (f: (a: number, b: number) => number) => () => f;
const test = (f: (a: number, b: number) => boolean): Importer =>
  e.foldedPair(() => (a, b) => Number(f(a, b)), true);

export const IMPORTERS: { readonly [O in TfliteBuiltin]?: Importer } = {
  ABS: e.unary('abs', Math.abs),
  ADD: e.arithmetic('add'),
  ADD_N: e.addN,
  AVERAGE_POOL_2D: r.pool('avgPool2d'),
  BATCH_MATMUL: l.batchMatmul,
  BATCH_TO_SPACE_ND: b.batchToSpace,
  BROADCAST_TO: m.broadcastTo,
  CAST: e.cast,
  CEIL: e.folded(Math.ceil),
  CONCATENATION: m.concatenation,
  CONV_2D: l.conv2d,
  COS: e.folded(Math.cos),
  DEPTHWISE_CONV_2D: l.depthwise,
  DEPTH_TO_SPACE: b.depthToSpace,
  DEQUANTIZE: e.dequantize,
  DIV: e.arithmetic('div'),
  ELU: e.unary('elu', (v) => UNARY_FUNCTIONS.elu(v, 1), 1),
  EQUAL: test((a, b) => a === b),
  EXP: e.unary('exp', Math.exp),
  EXPAND_DIMS: m.expandDims,
  FILL: m.fill,
  FLOOR: e.folded(Math.floor),
  FLOOR_DIV: e.foldedPair(same((a, b) => (b === 0 ? 0 : Math.floor(a / b)))),
  FLOOR_MOD: e.foldedPair(same((a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b)))),
  FULLY_CONNECTED: l.fullyConnected,
  GATHER: m.gather,
  GELU: e.gelu,
  GREATER: test((a, b) => a > b),
  GREATER_EQUAL: test((a, b) => a >= b),
  HARD_SWISH: e.unary('hardswish', UNARY_FUNCTIONS.hardswish),
  L2_NORMALIZATION: r.l2Normalization,
  LEAKY_RELU: e.leakyRelu,
  LESS: test((a, b) => a < b),
  LESS_EQUAL: test((a, b) => a <= b),
  LOG: e.unary('log', Math.log),
  LOGICAL_AND: test((a, b) => a !== 0 && b !== 0),
  LOGICAL_NOT: e.folded((v) => Number(v === 0)),
  LOGICAL_OR: test((a, b) => a !== 0 || b !== 0),
  LOGISTIC: e.unary('sigmoid', UNARY_FUNCTIONS.sigmoid),
  LOG_SOFTMAX: r.logSoftmax,
  MAXIMUM: e.extremum('maximum'),
  MAX_POOL_2D: r.pool('maxPool2d'),
  MEAN: r.reduction('mean'),
  MINIMUM: e.extremum('minimum'),
  MIRROR_PAD: m.mirrorPad,
  MUL: e.arithmetic('mul'),
  NEG: e.unary('neg', (v) => -v),
  NOT_EQUAL: test((a, b) => a !== b),
  PACK: m.pack,
  PAD: m.pad,
  PADV2: m.pad,
  POW: e.pow,
  PRELU: e.prelu,
  QUANTIZE: e.quantize,
  RANGE: m.range,
  RANK: e.shape((dims) => [dims.length], 0),
  REDUCE_MAX: r.reduction('max'),
  REDUCE_MIN: r.reduction('min'),
  REDUCE_PROD: r.reduction('prod'),
  RELU: e.clamped('relu'),
  RELU6: e.clamped('relu6'),
  RELU_0_TO_1: e.unary('clip', (v) => Math.min(Math.max(v, 0), 1), 0, 1),
  RELU_N1_TO_1: e.unary('clip', (v) => Math.min(Math.max(v, -1), 1), -1, 1),
  RESHAPE: m.reshape,
  RESIZE_BILINEAR: m.resize('bilinear'),
  RESIZE_NEAREST_NEIGHBOR: m.resize('nearest'),
  REVERSE_V2: m.reverse,
  ROUND: e.folded(roundHalfEven),
  RSQRT: e.unary('pow', (v) => 1 / Math.sqrt(v), -0.5),
  SELECT: e.select,
  SELECT_V2: e.select,
  SHAPE: e.shape((dims) => dims, 1),
  SIGN: e.folded(Math.sign),
  SIN: e.folded(Math.sin),
  SLICE: m.slice,
  SOFTMAX: r.softmax,
  SPACE_TO_BATCH_ND: b.spaceToBatch,
  SPACE_TO_DEPTH: b.spaceToDepth,
  SPLIT: m.split,
  SPLIT_V: m.splitV,
  SQRT: e.unary('sqrt', Math.sqrt),
  SQUARE: e.unary('pow', (v) => v * v, 2),
  SQUARED_DIFFERENCE: e.squaredDifference,
  SQUEEZE: m.squeeze,
  STRIDED_SLICE: m.stridedSlice,
  SUB: e.arithmetic('sub'),
  SUM: r.reduction('sum'),
  TANH: e.unary('tanh', Math.tanh),
  TILE: m.tile,
  TRANSPOSE: m.transpose,
  TRANSPOSE_CONV: l.transposeConv,
  UNPACK: m.unpack,
  ZEROS_LIKE: e.zerosLike,
};

/** Operators that runtimes know by the name only. */
export const CUSTOM_IMPORTERS: ReadonlyMap<string, Importer> = new Map([
  ['Convolution2DTransposeBias', l.mediapipeTransposeConv],
]);

/** What {@link importTflite} takes. */
export const TFLITE_OPERATORS: readonly string[] = [
  ...Object.keys(IMPORTERS),
  ...CUSTOM_IMPORTERS.keys(),
].sort();
