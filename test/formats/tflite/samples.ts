/**
 * One or more models of one operator each, small enough to work out by hand: what every builtin with options, and every
 * plain one that image models use, makes of a few numbers. Tests write and read them; `npm run interop` runs them, which
 * shows that ids, codes and versions mean to the runtimes what they mean here.
 */
import type {
  TfliteArray,
  TfliteBuiltin,
  TfliteDType,
  TfliteModel,
  TfliteOperator,
  TfliteOptionsOf,
  TfliteQuantization,
  TfliteTensor,
} from '../../../src/formats/tflite/index.js';

export interface SampleTensor {
  readonly shape: readonly number[];
  readonly dtype: TfliteDType;
  readonly data: TfliteArray;
  readonly constant: boolean;
  readonly quantization: TfliteQuantization | null;
}
export interface Sample<T = unknown> {
  readonly inputs: readonly SampleTensor[];
  readonly outputs: readonly SampleTensor[];
  readonly options: T;
}

/** Of values that are known only in a run. */
const f = (shape: readonly number[], data: readonly number[]): SampleTensor => ({
  shape,
  dtype: 'float32',
  data: Float32Array.from(data),
  constant: false,
  quantization: null,
});
const row = (...data: number[]): SampleTensor => f([data.length], data);
/** A constant. */
const k = (shape: readonly number[], data: readonly number[]): SampleTensor => ({
  ...f(shape, data),
  constant: true,
});
/** A constant of sizes or axes. */
const c = (shape: readonly number[], data: readonly number[]): SampleTensor => ({
  ...k(shape, data),
  dtype: 'int32',
  data: Int32Array.from(data),
});
const int32 = (shape: readonly number[], data: readonly number[]): SampleTensor => ({
  ...c(shape, data),
  constant: false,
});
const int64 = (shape: readonly number[], data: readonly number[]): SampleTensor => ({
  ...f(shape, data),
  dtype: 'int64',
  data: BigInt64Array.from(data, BigInt),
});
const int8 = (data: readonly number[], scale: number, zeroPoint: number): SampleTensor => ({
  ...f([data.length], data),
  dtype: 'int8',
  data: Int8Array.from(data),
  quantization: {
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(zeroPoint),
    quantizedDimension: 0,
    min: new Float32Array(0),
    max: new Float32Array(0),
  },
});

const count8 = f([1, 2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]);
const matrix = f([2, 3], [1, 2, 3, 4, 5, 6]);
const square = f([2, 2], [1, 2, 3, 4]);
const square4 = f([1, 2, 2, 1], [1, 2, 3, 6]);
const pair = f([1, 1, 2, 1], [0, 4]);

type Samples<O extends TfliteBuiltin> = readonly Sample<TfliteOptionsOf<O>>[];
const one = <T>(inputs: readonly SampleTensor[], options: T, ...outputs: SampleTensor[]): Sample<T> => ({
  inputs,
  options,
  outputs,
});

const sum = { activation: 'RELU', potScaleInt16: true } as const;
const pool = {
  padding: 'VALID',
  strideW: 2,
  strideH: 1,
  filterWidth: 2,
  filterHeight: 1,
  activation: 'NONE',
} as const;
const conv = {
  padding: 'VALID',
  strideW: 2,
  strideH: 1,
  activation: 'RELU6',
  dilationW: 1,
  dilationH: 1,
  quantizedBiasType: 'float32',
} as const;
const depthwise = {
  padding: 'VALID',
  strideW: 1,
  strideH: 1,
  depthMultiplier: 1,
  activation: 'NONE',
  dilationW: 1,
  dilationH: 1,
} as const;
const slice = {
  beginMask: 0,
  endMask: 0,
  ellipsisMask: 0,
  newAxisMask: 0,
  shrinkAxisMask: 0,
  offset: false,
} as const;
const keep = { keepDims: true } as const;
const hw = c([2], [1, 2]);
const depthwiseX = f([1, 1, 3, 2], [1, 2, 3, 4, 5, 6]);
const depthwiseW = [k([1, 1, 2, 2], [1, 1, 1, 1]), k([2], [0, 0])] as const;
const convW = [k([1, 1, 2, 1], [1, 1]), k([1], [0])] as const;

const unary = (x: readonly number[], y: readonly number[]): Sample<null>[] => [
  one([row(...x)], null, row(...y)),
];
const binary = (a: readonly number[], b: readonly number[], y: readonly number[]): Sample<null>[] => [
  one([row(...a), row(...b)], null, row(...y)),
];

/** Every builtin with options: the compiler asks for those that are missing. Of the others, what image models use. */
export const SAMPLES: {
  readonly [O in TfliteBuiltin as TfliteOptionsOf<O> extends null ? never : O]: Samples<O>;
} & { readonly [O in TfliteBuiltin]?: Samples<O> } = {
  ADD: [one([row(1, -2), row(3, -5)], sum, row(4, 0))],
  ARG_MAX: [one([f([1, 3], [1, 5, 2]), c([], [1])], { outputType: 'int32' }, int32([1], [1]))],
  ARG_MIN: [one([f([1, 3], [1, 5, 2]), c([], [1])], { outputType: 'int64' }, int64([1], [0]))],
  AVERAGE_POOL_2D: [one([count8], pool, f([1, 2, 2, 1], [1.5, 3.5, 5.5, 7.5]))],
  BATCH_MATMUL: [
    one(
      [f([1, 2, 1], [1, 2]), f([1, 1, 2], [3, 4])],
      { adjX: true, adjY: true, asymmetricQuantizeInputs: false },
      f([1, 1, 1], [11]),
    ),
  ],
  CAST: [one([row(1.75, -1.25, 3)], { inDataType: 'float32', outDataType: 'int32' }, int32([3], [1, -1, 3]))],
  CONCATENATION: [
    one([f([2, 1], [1, 2]), f([2, 1], [3, 4])], { axis: 1, activation: 'NONE' }, f([2, 2], [1, 3, 2, 4])),
  ],
  CONV_2D: [
    one([count8, ...convW], conv, f([1, 2, 2, 1], [3, 6, 6, 6])),
    one(
      [count8, ...convW],
      { ...conv, strideW: 1, dilationW: 2, activation: 'NONE' },
      f([1, 2, 2, 1], [4, 6, 12, 14]),
    ),
    one(
      [count8, ...convW],
      { ...conv, padding: 'SAME', strideH: 2, activation: 'NONE' },
      f([1, 1, 2, 1], [3, 7]),
    ),
  ],
  DEPTHWISE_CONV_2D: [
    one([depthwiseX, ...depthwiseW], depthwise, f([1, 1, 2, 2], [4, 6, 8, 10])),
    one(
      [depthwiseX, ...depthwiseW],
      { ...depthwise, dilationW: 2, activation: 'RELU6' },
      f([1, 1, 1, 2], [6, 6]),
    ),
  ],
  DEPTH_TO_SPACE: [one([f([1, 1, 1, 4], [1, 2, 3, 6])], { blockSize: 2 }, f([1, 2, 2, 1], [1, 2, 3, 6]))],
  DIV: [one([row(6, -8), row(3, 2)], { activation: 'RELU' }, row(2, 0))],
  FULLY_CONNECTED: [
    one(
      [f([1, 2, 2], [1, 2, 3, 4]), k([1, 2], [1, 1]), k([1], [0.5])],
      {
        activation: 'RELU6',
        weightsFormat: 'DEFAULT',
        keepNumDims: true,
        asymmetricQuantizeInputs: false,
        quantizedBiasType: 'float32',
      },
      f([1, 2, 1], [3.5, 6]),
    ),
  ],
  GATHER: [
    one([matrix, c([2], [2, 0])], { axis: 1, batchDims: 0 }, f([2, 2], [3, 1, 6, 4])),
    one([matrix, c([2, 1], [2, 0])], { axis: 1, batchDims: 1 }, f([2, 1], [3, 4])),
  ],
  GELU: [one([row(0, 1, -1)], { approximate: true }, row(0, 0.841192, -0.158808))],
  L2_NORMALIZATION: [one([f([1, 2], [3, 4])], { activation: 'NONE' }, f([1, 2], [0.6, 0.8]))],
  LEAKY_RELU: [one([row(1, -2)], { alpha: 0.25 }, row(1, -0.5))],
  MAX_POOL_2D: [one([count8], pool, f([1, 2, 2, 1], [2, 4, 6, 8]))],
  MEAN: [one([square4, hw], keep, f([1, 1, 1, 1], [3]))],
  MIRROR_PAD: (['SYMMETRIC', 'REFLECT'] as const).map((mode) =>
    one(
      [f([1, 3], [1, 2, 3]), c([2, 2], [0, 0, 1, 1])],
      { mode },
      f([1, 5], mode === 'SYMMETRIC' ? [1, 1, 2, 3, 3] : [2, 1, 2, 3, 2]),
    ),
  ),
  MUL: [one([row(2, -3), row(4, 5)], { activation: 'RELU6' }, row(6, 0))],
  PACK: [one([row(1, 2), row(3, 4)], { valuesCount: 2, axis: 1 }, f([2, 2], [1, 3, 2, 4]))],
  REDUCE_MAX: [one([square, c([1], [1])], keep, f([2, 1], [2, 4]))],
  REDUCE_MIN: [one([square, c([1], [1])], keep, f([2, 1], [1, 3]))],
  REDUCE_PROD: [one([square, c([1], [1])], keep, f([2, 1], [2, 12]))],
  RESHAPE: [one([square], { newShape: [4] }, row(1, 2, 3, 4))],
  RESIZE_BILINEAR: [
    one(
      [pair, c([2], [1, 4])],
      { alignCorners: false, halfPixelCenters: true },
      f([1, 1, 4, 1], [0, 1, 3, 4]),
    ),
    one(
      [pair, c([2], [1, 5])],
      { alignCorners: true, halfPixelCenters: false },
      f([1, 1, 5, 1], [0, 1, 2, 3, 4]),
    ),
  ],
  RESIZE_NEAREST_NEIGHBOR: [
    one([pair, c([2], [1, 3])], { alignCorners: false, halfPixelCenters: true }, f([1, 1, 3, 1], [0, 4, 4])),
    one([pair, c([2], [1, 3])], { alignCorners: false, halfPixelCenters: false }, f([1, 1, 3, 1], [0, 0, 4])),
    one([pair, c([2], [1, 3])], { alignCorners: true, halfPixelCenters: false }, f([1, 1, 3, 1], [0, 4, 4])),
  ],
  SHAPE: [one([matrix], { outType: 'int64' }, int64([2], [2, 3]))],
  SOFTMAX: [one([f([1, 2], [0, 0.5])], { beta: 2 }, f([1, 2], [0.268941, 0.731059]))],
  SPACE_TO_DEPTH: [one([square4], { blockSize: 2 }, f([1, 1, 1, 4], [1, 2, 3, 6]))],
  SPLIT: [one([c([], [1]), f([1, 4], [1, 2, 3, 4])], { numSplits: 2 }, f([1, 2], [1, 2]), f([1, 2], [3, 4]))],
  SPLIT_V: [
    one(
      [f([1, 4], [1, 2, 3, 4]), c([2], [1, 3]), c([], [1])],
      { numSplits: 2 },
      f([1, 1], [1]),
      f([1, 3], [2, 3, 4]),
    ),
  ],
  SQUEEZE: [one([f([1, 2, 1], [5, 6])], { squeezeDims: [2] }, f([1, 2], [5, 6]))],
  STRIDED_SLICE: [
    one([matrix, c([2], [1, 0]), c([2], [2, 3]), c([2], [1, 2])], { ...slice, shrinkAxisMask: 1 }, row(4, 6)),
    one(
      [matrix, c([2], [1, 1]), c([2], [2, 2]), c([2], [1, 1])],
      { ...slice, beginMask: 1, endMask: 2 },
      f([2, 2], [2, 3, 5, 6]),
    ),
    one(
      [matrix, c([2], [0, 1]), c([2], [0, 2]), c([2], [1, 1])],
      { ...slice, ellipsisMask: 1 },
      f([2, 1], [2, 5]),
    ),
    one(
      [matrix, c([3], [0, 0, 0]), c([3], [1, 2, 3]), c([3], [1, 1, 2])],
      { ...slice, newAxisMask: 1 },
      f([1, 2, 2], [1, 3, 4, 6]),
    ),
  ],
  SUB: [one([row(1, 5), row(3, 1)], sum, row(0, 4))],
  SUM: [one([square4, hw], keep, f([1, 1, 1, 1], [12]))],
  TRANSPOSE_CONV: [
    one(
      [c([4], [1, 1, 4, 1]), k([1, 1, 2, 1], [1, 10]), f([1, 1, 2, 1], [1, 2])],
      { padding: 'VALID', strideW: 2, strideH: 1, activation: 'NONE', quantizedBiasType: 'float32' },
      f([1, 1, 4, 1], [1, 10, 2, 20]),
    ),
  ],
  UNPACK: [one([square], { num: 2, axis: 1 }, row(1, 3), row(2, 4))],

  ABS: unary([1, -2], [1, 2]),
  BROADCAST_TO: [one([f([2, 1], [1, 2]), c([2], [2, 2])], null, f([2, 2], [1, 1, 2, 2]))],
  CEIL: unary([1.25, -1.25], [2, -1]),
  DEQUANTIZE: [one([int8([-1, 1, 4], 0.5, 1)], null, row(-1, 0, 1.5))],
  ELU: unary([1, -1], [1, -0.632121]),
  EXP: unary([0, 1], [1, 2.718282]),
  EXPAND_DIMS: [one([row(1, 2), c([], [1])], null, f([2, 1], [1, 2]))],
  FILL: [one([int32([1], [3]), k([], [2.5])], null, row(2.5, 2.5, 2.5))],
  FLOOR: unary([1.25, -1.25], [1, -2]),
  HARD_SWISH: unary([1, -1, 4], [0.666667, -0.333333, 4]),
  LOG: unary([1, 2.718282], [0, 1]),
  LOGISTIC: unary([0, 1], [0.5, 0.731059]),
  LOG_SOFTMAX: [one([f([1, 2], [0, 1])], null, f([1, 2], [-1.313262, -0.313262]))],
  MAXIMUM: binary([1, 4], [3, 2], [3, 4]),
  MINIMUM: binary([1, 4], [3, 2], [1, 2]),
  NEG: unary([1, -2], [-1, 2]),
  PAD: [one([f([1, 2], [1, 2]), c([2, 2], [0, 0, 2, 1])], null, f([1, 5], [0, 0, 1, 2, 0]))],
  PADV2: [one([f([1, 2], [1, 2]), c([2, 2], [0, 0, 1, 1]), k([], [9])], null, f([1, 4], [9, 1, 2, 9]))],
  POW: binary([2, 3], [3, 2], [8, 9]),
  PRELU: [
    one([f([1, 1, 2, 2], [-1, -2, 3, -4]), k([1, 1, 2], [0.5, 2])], null, f([1, 1, 2, 2], [-0.5, -4, 3, -8])),
  ],
  QUANTIZE: [one([row(-1, 0, 1.5)], null, int8([-1, 1, 4], 0.5, 1))],
  RELU: unary([1, -2, 8], [1, 0, 8]),
  RELU6: unary([1, -2, 8], [1, 0, 6]),
  RELU_0_TO_1: unary([0.5, -2, 8], [0.5, 0, 1]),
  RELU_N1_TO_1: unary([0.5, -2, 8], [0.5, -1, 1]),
  ROUND: unary([1.25, -1.75], [1, -2]),
  RSQRT: unary([4, 0.25], [0.5, 2]),
  SLICE: [one([matrix, c([2], [0, 1]), c([2], [2, 2])], null, f([2, 2], [2, 3, 5, 6]))],
  SQRT: unary([4, 0.25], [2, 0.5]),
  SQUARE: unary([3, -2], [9, 4]),
  SQUARED_DIFFERENCE: binary([1, 5], [3, 1], [4, 16]),
  TANH: unary([0, 1], [0, 0.761594]),
  TILE: [one([f([1, 2], [1, 2]), c([2], [2, 1])], null, f([2, 2], [1, 2, 1, 2]))],
  TRANSPOSE: [one([matrix, c([2], [1, 0])], null, f([3, 2], [1, 4, 2, 5, 3, 6]))],
};

/** The model of one operator, of the lowest version; its inputs are what is not constant. */
export function modelOf(op: string, { inputs, outputs, options }: Sample): TfliteModel {
  const tensors = [...inputs, ...outputs].map(
    ({ shape, dtype, data, constant, quantization }, i): TfliteTensor => ({
      name: `${i < inputs.length ? 'x' : 'y'}${i}`,
      shape,
      shapeSignature: null,
      dtype,
      data: constant ? data : null,
      quantization,
      isVariable: false,
    }),
  );
  const indices = tensors.map((_, i) => i);
  const operator = {
    op,
    version: null,
    inputs: indices.slice(0, inputs.length),
    outputs: indices.slice(inputs.length),
    options,
  } as TfliteOperator;
  return {
    version: 3,
    description: op,
    subgraphs: [
      {
        name: 'main',
        tensors,
        inputs: operator.inputs.filter((i) => !inputs[i].constant),
        outputs: operator.outputs,
        operators: [operator],
      },
    ],
    metadata: new Map(),
    signatureDefs: [],
  };
}

/** Each sample with a name of its own. */
export const NAMED_SAMPLES = Object.entries(SAMPLES).flatMap(([op, samples]) =>
  (samples as readonly Sample[]).map((sample, i) => ({
    name: samples.length > 1 ? `${op} ${i}` : op,
    op,
    sample,
  })),
);
