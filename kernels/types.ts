/**
 * What a kernel is: an implementation of one op over plain typed arrays. `prepare` packs and plans once and returns the
 * hot path; `resolve` picks the first kernel of a backend that supports the parameters.
 *
 * Layouts: activations NHWC, convolution filters OHWI, linear weights [out, in]; row-major, contiguous.
 */

export type FloatArray = Float32Array | Float64Array;
/** 8-bit codes. Activations may be signed or unsigned, weights are signed unless a weight zero point says otherwise. */
export type CodeArray = Int8Array | Uint8Array;

/**
 * How int32 accumulators become codes: `y = clamp(round(acc * real multiplier) + zeroPoint, min, max)`.
 * One multiplier, or one per output channel.
 * - float: `rne(f32(f32(acc) * multiplier))` (ONNX QLinearConv, XNNPACK fp32 requantization)
 * - fixed: TFLite's 31-bit multiplier and shift, with gemmlowp's double rounding or TFLite's single rounding
 */
export type Requantization = { readonly zeroPoint: number; readonly min: number; readonly max: number } & (
  | { readonly numerics: 'float'; readonly multiplier: Float32Array }
  | {
      readonly numerics: 'fixed';
      readonly rounding: FixedRounding;
      readonly multiplier: Int32Array;
      readonly shift: Int32Array;
    }
);
export type FixedRounding = 'double' | 'single';

/** Which of the two arithmetics an elementwise integer kernel uses. */
export type Numerics =
  { readonly numerics: 'float' } | { readonly numerics: 'fixed'; readonly rounding: FixedRounding };

/** The geometry of a 2-D convolution or pooling window. Padding at the bottom and right follows from the output size. */
export interface WindowGeometry {
  readonly batch: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

export interface ConvGeometry extends WindowGeometry {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Filters are [outChannels, kernelHeight, kernelWidth, inChannels / groups]. */
  readonly groups: number;
}

/** An 8-bit tensor with per-tensor quantization parameters. */
export interface QuantizedArray {
  readonly data: CodeArray;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Parameters per op. Arrays named first are read, the last one (`y`, `c`, `dx`, `dw`) is written. */
export interface OpParams {
  // ---- float ----
  /** c[m, n] (+)= sum_k op(a)[m, k] * op(b)[k, n] + bias[n] */
  gemm: {
    readonly m: number;
    readonly n: number;
    readonly k: number;
    /** [m, k], or [k, m] when transA */
    readonly a: FloatArray;
    /** [k, n], or [n, k] when transB */
    readonly b: FloatArray;
    readonly transA: boolean;
    readonly transB: boolean;
    readonly bias: FloatArray | null;
    readonly accumulate: boolean;
    readonly c: FloatArray;
  };
  conv2d: ConvGeometry & {
    readonly x: FloatArray;
    readonly w: FloatArray;
    readonly bias: FloatArray | null;
    readonly y: FloatArray;
  };
  conv2dInputGrad: ConvGeometry & {
    readonly dy: FloatArray;
    readonly w: FloatArray;
    readonly dx: FloatArray;
  };
  conv2dFilterGrad: ConvGeometry & {
    readonly x: FloatArray;
    readonly dy: FloatArray;
    readonly dw: FloatArray;
  };

  // ---- what only training needs: lists in training.ts ----
  /**
   * One pass over all elements: y[0][i], y[1][i], ... are functions of x[0][i], x[1][i], ... and of the numbers s. An x
   * of fewer elements repeats: it is read at `floor(i / inner) mod its length`; those of more than one have one length.
   * A y may be one of the x.
   */
  map: {
    readonly fn: MapFunction;
    readonly inner: number;
    readonly x: readonly NumberArray[];
    readonly s: readonly number[];
    readonly y: readonly NumberArray[];
  };
  /**
   * Sums in double precision over the rows of [outer, rows, channels] arrays: y[k][o, c] = sum over r of term k of
   * x[0][o, r, c], ... and of p[0][o, c]. Terms: `sum` x; `moments` x - p and its square; `products` x0 and x0 * (x1 - p).
   * `range` is no sum: the smallest and the largest x, NaN where one is NaN.
   */
  sums: {
    readonly fn: SumFunction;
    readonly outer: number;
    readonly rows: number;
    readonly channels: number;
    readonly x: readonly FloatArray[];
    /** [outer, channels] */
    readonly p: readonly Float64Array[];
    /** [outer, channels] */
    readonly y: readonly Float64Array[];
  };
  /** The largest element of each window; the first of equal ones, a NaN before all. */
  maxpool: PoolWindows & {
    readonly x: FloatArray;
    /** row * width + column of each maximum, where wanted */
    readonly winners: Int32Array | null;
    readonly y: FloatArray;
  };
  /** dx = sum of the dy whose winner an element is */
  maxpoolGrad: PoolWindows & {
    readonly dy: FloatArray;
    readonly winners: Int32Array;
    readonly dx: FloatArray;
  };
  /** The sum of each window over rowDivisor[i] * columnDivisor[j]. */
  avgpool: PoolWindows & PoolDivisors & { readonly x: FloatArray; readonly y: FloatArray };
  /** Each dy over its divisors, added to every element of its window. */
  avgpoolGrad: PoolWindows & PoolDivisors & { readonly dy: FloatArray; readonly dx: FloatArray };

  // ---- integer ----
  /** y[m, n] = requantize(bias[n] + sum_k (x[m, k] - xZeroPoint) * (w[n, k] - wZeroPoint)); int32 sums if requant is null */
  qgemm: {
    readonly m: number;
    readonly n: number;
    readonly k: number;
    readonly x: CodeArray;
    /** 7: every code of x, and its zero point, lies in [0, 127] */
    readonly xBits?: 7 | undefined;
    readonly xZeroPoint: number;
    readonly w: CodeArray;
    /** 4: w holds two signed codes to a byte, the first in the low half (int4 of ONNX and TFLite); else one */
    readonly wBits?: 4 | undefined;
    readonly wZeroPoint: number;
    readonly bias: Int32Array | null;
    readonly requant: Requantization | null;
    readonly y: CodeArray | Int32Array;
  };
  /** As qgemm, per output position; positions outside the image contribute nothing (they hold xZeroPoint). */
  qconv2d: ConvGeometry & {
    readonly x: CodeArray;
    /** 7: every code of x, and its zero point, lies in [0, 127] */
    readonly xBits?: 7 | undefined;
    readonly xZeroPoint: number;
    readonly w: CodeArray;
    /** 4: w holds two signed codes to a byte, the first in the low half (int4 of ONNX and TFLite); else one */
    readonly wBits?: 4 | undefined;
    readonly wZeroPoint: number;
    readonly bias: Int32Array | null;
    readonly requant: Requantization | null;
    readonly y: CodeArray | Int32Array;
  };
  /** y = a + b, or a - b; numpy broadcasting of aShape and bShape to yShape */
  qadd: BinaryParams & { readonly subtract: boolean };
  qmul: BinaryParams;
  qmaxpool: WindowGeometry & {
    readonly channels: number;
    readonly x: CodeArray;
    /** clamp of the result (a fused activation) */
    readonly min: number;
    readonly max: number;
    readonly y: CodeArray;
  };
  /** Mean over the cells of the window that lie inside the image (or over all, when countIncludePad). */
  qavgpool: WindowGeometry &
    Numerics & {
      readonly channels: number;
      readonly countIncludePad: boolean;
      readonly x: QuantizedArray;
      readonly min: number;
      readonly max: number;
      readonly y: QuantizedArray;
    };
  /** x is [outer, reduce, inner], y is [outer, inner]: the mean over `reduce` */
  qmean: Numerics & {
    readonly outer: number;
    readonly reduce: number;
    readonly inner: number;
    readonly x: QuantizedArray;
    readonly min: number;
    readonly max: number;
    readonly y: QuantizedArray;
  };
  /** Each input is [outer, inner_i]; y is [outer, sum of inner_i]. Inputs of other qparams are requantized. */
  qconcat: Numerics & {
    readonly outer: number;
    readonly inputs: readonly (QuantizedArray & { readonly inner: number })[];
    readonly min: number;
    readonly max: number;
    readonly y: QuantizedArray;
  };
  /** Constant padding of an array of any rank with one code. */
  qpad: {
    readonly shape: readonly number[];
    readonly pads: readonly (readonly [number, number])[];
    readonly x: CodeArray;
    readonly value: number;
    readonly y: CodeArray;
  };
  /** From one set of qparams to another (a stand-alone ReLU is its clamp). */
  qrequantize: Numerics & {
    readonly x: QuantizedArray;
    readonly min: number;
    readonly max: number;
    readonly y: QuantizedArray;
  };
  /** Softmax over the last axis; x is [rows, columns]. */
  qsoftmax: {
    readonly rows: number;
    readonly columns: number;
    readonly x: QuantizedArray;
    readonly beta: number;
    readonly min: number;
    readonly max: number;
    readonly y: QuantizedArray;
  };
  /**
   * y = table[x - smallest code of x's type]: any unary function of one code. A table of 256, or one per channel
   * ([channels, 256]) of the last axis.
   */
  qlut: {
    readonly x: CodeArray;
    readonly channels?: number | undefined;
    readonly table: CodeArray;
    readonly y: CodeArray;
  };
  /** Cell i of y is cell indices[i] of x; a cell is so many consecutive codes. Transposes, slices, selections. */
  qgather: {
    readonly cell: number;
    readonly indices: Int32Array;
    readonly x: CodeArray;
    readonly y: CodeArray;
  };
  qresize: {
    readonly batch: number;
    readonly inHeight: number;
    readonly inWidth: number;
    readonly outHeight: number;
    readonly outWidth: number;
    readonly channels: number;
    readonly alignCorners: boolean;
    readonly halfPixelCenters: boolean;
    readonly x: CodeArray;
    readonly y: CodeArray;
  };
  /** Bilinear resize of codes; x and y have one scale and one zero point. */
  qbilinear: Numerics & {
    readonly batch: number;
    readonly inHeight: number;
    readonly inWidth: number;
    readonly outHeight: number;
    readonly outWidth: number;
    readonly channels: number;
    readonly alignCorners: boolean;
    readonly halfPixelCenters: boolean;
    readonly x: CodeArray;
    readonly y: CodeArray;
  };
  /** clamp(rne(f32(x / scale)) + zeroPoint); x is [outer, channels, inner], scale has 1 or `channels` values */
  quantize: {
    readonly outer: number;
    readonly channels: number;
    readonly inner: number;
    readonly x: Float32Array;
    readonly scale: Float32Array;
    readonly zeroPoint: Int32Array;
    readonly min: number;
    readonly max: number;
    readonly y: CodeArray | Int32Array;
  };
  /** f32((x - zeroPoint) * scale) */
  dequantize: {
    readonly outer: number;
    readonly channels: number;
    readonly inner: number;
    readonly x: CodeArray | Int32Array;
    readonly scale: Float32Array;
    readonly zeroPoint: Int32Array;
    readonly y: Float32Array;
  };
}

export type NumberArray = FloatArray | CodeArray | Int32Array;

/**
 * Functions of `map`: operands x; numbers s; results y. `short` are operands that usually repeat. Float32 arithmetic, unless
 * the results are float64; what makes codes or values on their grid is exact: every kernel gives the same bits.
 */
export type MapFunction =
  // x -> y: max(x, 0); min(max(x, 0), 6); ...
  | 'relu'
  | 'relu6'
  | 'neg'
  | 'abs'
  | 'square'
  | 'sqrt'
  // a, b -> y
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  // a, b -> 1 where a > b, 1/2 where they are equal, 0 where a < b
  | 'share'
  // a, b; s -> a + s * b
  | 'addScaled'
  // g, y or x -> g where 0 < y (and y < 6), else 0
  | 'reluGrad'
  | 'relu6Grad'
  // x, mask -> x where mask is not 0, else 0
  | 'masked'
  // x, mean, scale, offset -> (x - mean) * scale + offset
  | 'normalize'
  // g, x, mean, a, b, c -> g * a + (x - mean) * b + c
  | 'normalizeGrad'
  // p, g; rate, decay -> p - rate * (g + decay * p)
  | 'descend'
  // p, g, v; rate, decay, momentum, fresh, a, b, with d = g + decay * p -> p - rate * (a * d + b * v'), v' = momentum * v + fresh * d
  | 'momentum'
  // p, g, m, v(, top); see optim/adam.ts -> p', m', v'(, top')
  | 'adam'
  | 'amsgrad'
  // x, scale, low, high -> clamp(rne(f32(x / scale)), low, high) * scale, 0 for NaN
  | 'fakeQuantize'
  // g, x, scale, low, high -> g where low <= rne(f32(x / scale)) <= high, else 0
  | 'fakeQuantizeGrad'
  // x, scale, low, high -> 1 or 0 by that condition
  | 'inside'
  // x, scale, low, high, zero point -> clamp(rne(f32(x / scale)), low, high) + zero point, the zero point for NaN
  | 'quantize'
  // q, scale, zero point -> (q - zero point) * scale
  | 'dequantize'
  // acc, scale; low, high -> clamp(f32(acc) * scale, low, high)
  | 'accumulated'
  // acc, multiplier; zero point -> rne(f32(f32(acc) * multiplier)) + zero point
  | 'rescaled'
  // q, acc, first, last; zero point, scale, min, max, quantMin, quantMax -> (clamp(q, min, max) - zero point) * scale,
  // and 1 where first <= acc <= last and quantMin <= q <= quantMax, else 0
  | 'requantized';

export type SumFunction = 'sum' | 'moments' | 'products' | 'range';

/** Positions start[i], start[i] + step, ... below end[i] of one axis belong to window i: all inside, at least one. */
export interface PoolTaps {
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly step: number;
}

/** Windows over images [batch, height, width, channels]; results are [batch, rows, columns, channels]. */
export interface PoolWindows {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly rows: PoolTaps;
  readonly columns: PoolTaps;
}

export interface PoolDivisors {
  readonly rowDivisor: Float64Array;
  readonly columnDivisor: Float64Array;
}

export type BinaryParams = Numerics & {
  readonly aShape: readonly number[];
  readonly bShape: readonly number[];
  readonly yShape: readonly number[];
  readonly a: QuantizedArray;
  readonly b: QuantizedArray;
  readonly min: number;
  readonly max: number;
  readonly y: QuantizedArray;
};

export type OpName = keyof OpParams;

/** Element types that a {@link Memory} hands out. */
export interface MemoryArrays {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  int32: Int32Array;
}
export type MemoryType = keyof MemoryArrays;

/** Where a kernel takes packed weights and scratch from. */
export interface Memory {
  /** zero-filled */
  allocate<T extends MemoryType>(type: T, length: number): MemoryArrays[T];
  /** Runs `f`; what it allocates here may be used again afterwards. */
  scope<T>(f: () => T): T;
}

export interface Kernel<O extends OpName> {
  readonly op: O;
  /** Type, op, tile and instruction set, in the manner of XNNPACK: 'f32-gemm-4x4-js', 'qs8-qc8w-gemm-3x4-f64-js'. */
  readonly name: string;
  supports(params: OpParams[O]): boolean;
  /** Packs weights and plans once; the returned function reads the input arrays anew at each call and allocates nothing. */
  prepare(params: OpParams[O], memory: Memory): () => void;
}

export type AnyKernel = { [O in OpName]: Kernel<O> }[OpName];

/** An ordered list of kernels; the first that supports the parameters runs. */
export type Backend = readonly AnyKernel[];
