/** What an ONNX file holds, as plain data. Names and meanings are those of ONNX's own definition, onnx.proto. */

/** Element types, and the arrays that hold them here: 16-bit floats widened, 4-bit codes one to an element. */
export interface OnnxArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Float32Array;
  bfloat16: Float32Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  int4: Int8Array;
  uint4: Uint8Array;
  /** 0 or 1. */
  bool: Uint8Array;
}
export type OnnxDType = keyof OnnxArrayOf;

/** A constant. `dtype` is the type in the file, row-major `data` what {@link OnnxArrayOf} says. */
export interface OnnxTensor<D extends OnnxDType = OnnxDType> {
  readonly name: string;
  readonly dtype: D;
  readonly dims: readonly number[];
  readonly data: OnnxArrayOf[D];
}

/** The kinds of attributes and their values. */
export interface OnnxAttributeOf {
  float: number;
  /** Beyond 2^53 rounded to the nearest double; the largest int64 becomes 2^63 and is written back as itself. */
  int: number;
  string: string;
  tensor: OnnxTensor;
  graph: OnnxGraph;
  floats: readonly number[];
  ints: readonly number[];
  strings: readonly string[];
  tensors: readonly OnnxTensor[];
  graphs: readonly OnnxGraph[];
}
export type OnnxAttribute = {
  [K in keyof OnnxAttributeOf]: { readonly type: K; readonly value: OnnxAttributeOf[K] };
}[keyof OnnxAttributeOf];

export interface OnnxNode {
  readonly name: string;
  readonly opType: string;
  /** '' is ONNX's own domain, also where the file says `ai.onnx`. */
  readonly domain: string;
  /** '' stands for an optional input that is not given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** A size, a symbolic size such as `batch`, or null where nothing is known. */
export type OnnxDim = number | string | null;

export interface OnnxValueInfo {
  readonly name: string;
  /** null for what is no tensor, or of an element type not in {@link OnnxArrayOf}, or untyped. */
  readonly dtype: OnnxDType | null;
  /** null where even the rank is unknown. */
  readonly dims: readonly OnnxDim[] | null;
}

export interface OnnxGraph {
  readonly name: string;
  /** In execution order. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** Up to IR version 3 initializers are listed here as well. */
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** What the file says about values between nodes. */
  readonly valueInfo: ReadonlyMap<string, OnnxValueInfo>;
}

export interface OnnxModel {
  readonly irVersion: number;
  /** Version of the operator set by domain; '' is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: OnnxGraph;
}

/**
 * The elements as numbers, for arithmetic on shapes: 64-bit integers are rounded to the nearest double, all else is the
 * array itself.
 */
export function tensorNumbers({ data }: OnnxTensor): ArrayLike<number> {
  return data instanceof BigInt64Array || data instanceof BigUint64Array
    ? Float64Array.from<bigint>(data, Number)
    : data;
}
