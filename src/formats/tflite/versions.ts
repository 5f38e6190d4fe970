/**
 * Versions of builtin operators. A runtime refuses a model whose operators have a version above those it knows, and
 * may misread what a lower version did not have yet, so the lowest that fits is written.
 *
 * Source: GetBuiltinOperatorVersion in tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc
 * (https://github.com/tensorflow/tensorflow), for the element types of this library.
 */
import { sameShape } from '../../core/shape.js';
import type { TfliteDType } from './dtypes.js';
import type { TfliteBuiltin, TfliteOperator, TfliteOptionsOf, TfliteTensor } from './types.js';

interface Signature<O> {
  readonly inputs: readonly (TfliteTensor | null)[];
  /** Of an input; undefined where there is none. */
  type(input: number): TfliteDType | undefined;
  readonly output: TfliteTensor | undefined;
  readonly options: O;
}
type Rule<O extends TfliteBuiltin> = (signature: Signature<TfliteOptionsOf<O>>) => number;

/** By the element type of one input; 1 for those not listed. */
const byType =
  (versions: Partial<Record<TfliteDType, number>>, input = 0) =>
  (s: Signature<unknown>): number =>
    versions[s.type(input) ?? 'float32'] ?? 1;

const INT8 = byType({ int8: 2 });
const INT8_INT16 = byType({ int8: 2, int16: 3 });
const INT8_OR_INT16 = byType({ int8: 2, int16: 2 });

/** Of the first input, and of all. */
const rankOf = (s: Signature<unknown>): number => s.inputs[0]?.shape.length ?? 0;
const rank = (s: Signature<unknown>): number => Math.max(0, ...s.inputs.map((t) => t?.shape.length ?? 0));
/** Operands of different shapes and more than four dimensions. */
const widelyBroadcast = (s: Signature<unknown>): boolean => {
  const [a, b] = s.inputs;
  return a !== null && b !== null && s.inputs.length > 1 && !sameShape(a.shape, b.shape) && rank(s) > 4;
};
const scaleOf = (tensor: TfliteTensor | null | undefined): number => tensor?.quantization?.scale[0] ?? 0;
const perChannel = (tensor: TfliteTensor | null | undefined): boolean =>
  (tensor?.quantization?.scale.length ?? 0) > 1;

/** `x` of one type and `w` of another, with results of the type of `x`: how the kernels of layers are told apart. */
const kernel = (s: Signature<unknown>, x: TfliteDType, w: TfliteDType): boolean =>
  s.type(0) === x && s.type(1) === w && s.output?.dtype === x;

/** A dimension of the channels of the input that the filter, OHWI, does not have. */
const grouped = ({ inputs: [x, w] }: Signature<unknown>): boolean =>
  x?.shape[3] !== undefined && w?.shape[3] !== undefined && x.shape[3] !== w.shape[3];

const extremum = (s: Signature<unknown>): number =>
  s.type(0) === 'int16' ? 4 : widelyBroadcast(s) ? 3 : INT8(s);
const spaceBatch = (s: Signature<unknown>): number =>
  s.type(0) === 'int16' ? 4 : rankOf(s) !== 4 ? 3 : INT8(s);
const pad = (s: Signature<unknown>): number => (s.type(0) === 'bool' ? 5 : rankOf(s) > 4 ? 4 : INT8_INT16(s));
const resize =
  (centred: boolean) =>
  (s: Signature<{ readonly alignCorners: boolean; readonly halfPixelCenters: boolean }>): number => {
    if (s.type(0) === 'int16') return 4;
    return s.options.halfPixelCenters || (centred && s.options.alignCorners) ? 3 : INT8(s);
  };

/** The versions of a convolution by the types of its kernels; `hybrid` is float activations over int8 weights. */
const convolution = (
  s: Signature<unknown>,
  versions: { int8: number; int16: number; hybrid: number; hybridPerChannel: number; float: number },
): number => {
  if (s.type(0) === 'int16') return versions.int16;
  if (kernel(s, 'int8', 'int8')) return versions.int8;
  if (kernel(s, 'int8', 'int4')) return 7;
  if (kernel(s, 'float32', 'int8'))
    return perChannel(s.inputs[1]) ? versions.hybridPerChannel : versions.hybrid;
  return versions.float;
};

/** Operators that are not listed have version 1 whatever their types. */
const RULES: { readonly [O in TfliteBuiltin]?: Rule<O> } = {
  ABS: (s) =>
    s.type(0) === 'int16' ? (scaleOf(s.inputs[0]) === 0 ? 4 : 3) : byType({ int8: 2, uint8: 2, int32: 5 })(s),
  ADD: (s) => {
    if (s.type(0) !== 'int16') return byType({ float16: 6, int64: 4, int8: 2 })(s);
    return scaleOf(s.inputs[0]) === 0 ? 5 : s.options.potScaleInt16 ? 1 : 3;
  },
  ARG_MAX: byType({ bool: 3, int8: 2 }),
  ARG_MIN: byType({ bool: 3, int8: 2 }),
  AVERAGE_POOL_2D: INT8_INT16,
  BATCH_MATMUL: (s) =>
    kernel(s, 'float32', 'int8') && s.options.asymmetricQuantizeInputs ? 4 : INT8_INT16(s),
  BATCH_TO_SPACE_ND: spaceBatch,
  BROADCAST_TO: (s) => INT8_OR_INT16(s) + 1, // version 1 was withdrawn
  CAST: (s) => {
    const types = [s.type(0), s.output?.dtype];
    const steps = { int4: 6, float64: 5, float16: 5, uint16: 4, int8: 3, uint32: 2 } as const;
    return Math.max(1, ...types.map((t) => (t !== undefined && t in steps ? steps[t as 'int8'] : 1)));
  },
  CONCATENATION: byType({ int4: 5, uint32: 4, int16: 3, int8: 2 }),
  CONV_2D: (s) =>
    grouped(s) ? 6 : convolution(s, { int8: 3, int16: 4, hybrid: 2, hybridPerChannel: 5, float: 1 }),
  DEPTHWISE_CONV_2D: (s) => {
    const float = s.options.dilationW !== 1 || s.options.dilationH !== 1 ? 2 : 1;
    return convolution(s, { int8: 3, int16: 5, hybrid: 4, hybridPerChannel: 6, float });
  },
  DEPTH_TO_SPACE: INT8,
  DEQUANTIZE: (s) =>
    s.type(0) === 'int8' && perChannel(s.inputs[0])
      ? 5
      : byType({ int4: 6, int16: 3, float16: 3, int8: 2 })(s),
  DIV: (s) => (widelyBroadcast(s) ? 2 : 1),
  EQUAL: byType({ int16: 5, int8: 2 }),
  EXP: INT8_OR_INT16,
  FILL: byType({ float16: 4, int8: 3, int16: 3, bool: 2 }, 1),
  FLOOR_DIV: byType({ int16: 3, int8: 3, float32: 2 }),
  FLOOR_MOD: INT8_OR_INT16,
  FULLY_CONNECTED: (s) => {
    const { keepNumDims, asymmetricQuantizeInputs, weightsFormat } = s.options;
    if (kernel(s, 'int16', 'int4')) return 13;
    const hybrid = kernel(s, 'float32', 'int8');
    if (hybrid && perChannel(s.inputs[1])) return 12;
    if (s.type(0) === 'int16') return s.options.quantizedBiasType === 'float32' ? 7 : 11;
    if (s.inputs.length === 2) return 6;
    if (keepNumDims) return 5;
    if (kernel(s, 'int8', 'int8')) return 4;
    if (kernel(s, 'int8', 'int4')) return 10;
    if (hybrid) return asymmetricQuantizeInputs ? 9 : 3;
    return weightsFormat === 'DEFAULT' ? 1 : 2;
  },
  GATHER: (s) =>
    s.type(0) === 'int4'
      ? 7
      : s.type(1) === 'int16'
        ? 6
        : s.options.batchDims !== 0
          ? 5
          : byType({ int16: 4, bool: 3, int8: 2 })(s),
  GATHER_ND: (s) => (s.type(0) === 'bool' ? 5 : s.type(1) === 'int16' ? 4 : byType({ int16: 3 })(s)),
  GELU: byType({ int8: 2, uint8: 2 }),
  GREATER: INT8,
  GREATER_EQUAL: INT8_INT16,
  L2_NORMALIZATION: (s) => (s.output?.dtype === 'int8' ? 2 : 1),
  LEAKY_RELU: byType({ int16: 2 }),
  LESS: INT8_INT16,
  LESS_EQUAL: INT8,
  LOG: INT8_OR_INT16,
  LOGISTIC: INT8_INT16,
  LOG_SOFTMAX: INT8,
  MAXIMUM: extremum,
  MAX_POOL_2D: INT8_INT16,
  MEAN: INT8_INT16,
  MINIMUM: extremum,
  MIRROR_PAD: INT8_INT16,
  MUL: (s) => {
    const [a, b] = s.inputs;
    if (s.type(0) === 'int16') return scaleOf(a) === 0 ? 7 : 4;
    const out = scaleOf(s.output);
    if (out !== 0 && (scaleOf(a) * scaleOf(b)) / out >= 1) return 3;
    return byType({ float16: 8, uint32: 7, int64: 5, int8: 2 })(s);
  },
  NOT_EQUAL: byType({ int16: 4, int8: 2 }),
  PACK: byType({ uint32: 4, int16: 3, int8: 2 }),
  PAD: pad,
  PADV2: pad,
  QUANTIZE: (s) =>
    s.type(0) === 'int4' || s.output?.dtype === 'int4'
      ? 4
      : perChannel(s.output)
        ? 3
        : s.output?.dtype === 'int16'
          ? 2
          : 1,
  RANGE: byType({ int64: 2 }),
  REDUCE_MAX: INT8_INT16,
  REDUCE_MIN: INT8_INT16,
  REDUCE_PROD: INT8_OR_INT16,
  RELU: byType({ int16: 3, int8: 2, uint8: 2 }),
  RELU6: INT8_INT16,
  RESIZE_BILINEAR: resize(false),
  RESIZE_NEAREST_NEIGHBOR: resize(true),
  REVERSE_V2: byType({ int8: 3, bool: 2 }),
  RSQRT: INT8_INT16,
  SELECT: (s) => (s.type(0) === 'uint32' ? 4 : rank(s) === 5 ? 3 : INT8(s)),
  SELECT_V2: byType({ uint32: 2 }),
  SIGN: byType({ int32: 2 }),
  SLICE: (s) => {
    if (s.type(0) === 'int4' || s.type(0) === 'uint32') return s.type(0) === 'int4' ? 7 : 6;
    return rankOf(s) > 4 ? 5 : byType({ int16: 4, int8: 2 })(s);
  },
  SOFTMAX: INT8_INT16,
  SPACE_TO_BATCH_ND: spaceBatch,
  SPACE_TO_DEPTH: INT8,
  SPLIT: byType({ int16: 4, int32: 3, int8: 2 }, 1),
  SPLIT_V: INT8,
  SQRT: INT8_OR_INT16,
  SQUARED_DIFFERENCE: INT8,
  STRIDED_SLICE: (s) => {
    const { offset, ellipsisMask, newAxisMask } = s.options;
    if (offset) return 8;
    if (s.type(0) === 'uint32') return 7;
    if (ellipsisMask !== 0 || newAxisMask !== 0) return 6;
    return rankOf(s) > 4 ? 4 : byType({ bool: 3, int8: 2 })(s);
  },
  SUB: (s) => {
    if (s.type(0) === 'int16' && !s.options.potScaleInt16) return 5;
    return s.type(0) === 'int64' ? 4 : widelyBroadcast(s) ? 3 : INT8(s);
  },
  SUM: INT8,
  TANH: INT8_INT16,
  TILE: byType({ int8: 3 }),
  TOPK_V2: INT8_INT16,
  TRANSPOSE: (s) => {
    const dimensions = rankOf(s);
    if (dimensions > 6) return 8;
    if (s.type(0) === 'int4') return 7;
    if (dimensions > 5) return 6;
    return s.type(0) === 'int16' ? 5 : dimensions > 4 ? 4 : byType({ bool: 3, int8: 2 })(s);
  },
  TRANSPOSE_CONV: (s) => {
    if (s.type(0) === 'int16' && s.options.quantizedBiasType !== 'float32') return 5;
    return s.options.activation !== 'NONE'
      ? 4
      : s.inputs.length === 4 && s.inputs[3] !== null
        ? 3
        : byType({ int8: 2 }, 1)(s);
  },
  UNPACK: byType({ float16: 5, int16: 4, bool: 3, int8: 2, uint8: 2 }),
  WHERE: (s) => (s.type(0) === 'bool' ? 1 : 2),
};

/** The lowest version that has what the operator uses. 1 for operators of unknown options. */
export function requiredVersion(operator: TfliteOperator, tensors: readonly TfliteTensor[]): number {
  if (operator.op === 'CUSTOM' || operator.op === 'OTHER') return 1;
  const rule = RULES[operator.op] as ((signature: Signature<unknown>) => number) | undefined;
  const inputs = operator.inputs.map((index) => tensors[index] ?? null);
  return (
    rule?.({
      inputs,
      type: (input) => inputs[input]?.dtype,
      output: tensors[operator.outputs[0]],
      options: operator.options,
    }) ?? 1
  );
}
