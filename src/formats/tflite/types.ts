/** A TFLite file as plain data. Whatever reads or makes models works on these; bytes are for decode and encode. */
import type { Table } from './fields.js';
import type { PLAIN } from './builtins.js';
import type { TfliteArray, TfliteDType } from './dtypes.js';
import type { OPTIONS } from './schema.js';

export interface TfliteModel {
  /** Version of the schema: 3. */
  readonly version: number;
  readonly description: string;
  /** The first is the model. */
  readonly subgraphs: readonly TfliteSubgraph[];
  /** What tools attach, by name. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  readonly signatureDefs: readonly TfliteSignature[];
}

/** Numbers in it are indices of its tensors. */
export interface TfliteSubgraph {
  readonly name: string;
  readonly tensors: readonly TfliteTensor[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** In the order of execution. */
  readonly operators: readonly TfliteOperator[];
}

export interface TfliteTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The shape with -1 for sizes that are not fixed; null when all are. */
  readonly shapeSignature: readonly number[] | null;
  readonly dtype: TfliteDType;
  /** The elements of a constant, as {@link TfliteArrayOf} of its dtype; null for what the model computes or is given. */
  readonly data: TfliteArray | null;
  readonly quantization: TfliteQuantization | null;
  /** State that outlives a run. */
  readonly isVariable: boolean;
}

/** real = scale * (code - zeroPoint) */
export interface TfliteQuantization {
  /** One value, or one per index of `quantizedDimension`; none in float models that carry only ranges. */
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  readonly quantizedDimension: number;
  /** The observed range; usually empty. */
  readonly min: Float32Array;
  readonly max: Float32Array;
}

export interface TfliteSignature {
  readonly key: string;
  readonly subgraph: number;
  readonly inputs: readonly TfliteNamedTensor[];
  readonly outputs: readonly TfliteNamedTensor[];
}
export interface TfliteNamedTensor {
  readonly name: string;
  /** Index of the tensor in the subgraph. */
  readonly tensor: number;
}

type WithOptions = {
  readonly [O in keyof typeof OPTIONS]: (typeof OPTIONS)[O][1] extends Table<infer T> ? T : never;
};
export type TfliteOptionsOf<O extends TfliteBuiltin> = O extends keyof WithOptions ? WithOptions[O] : null;
/** The builtin operators whose options are known. */
export type TfliteBuiltin = keyof WithOptions | (typeof PLAIN)[number];

interface OperatorBase {
  /** Of the operator; null lets the encoder take the lowest that fits, see {@link requiredVersion}. */
  readonly version: number | null;
  /** Tensors; -1 stands for an optional one that is left out. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

export type TfliteOperatorOf<O extends TfliteBuiltin> = OperatorBase & {
  readonly op: O;
  readonly options: TfliteOptionsOf<O>;
};
/** An operator that runtimes know by the name only, with options of its own format. */
export interface TfliteCustomOperator extends OperatorBase {
  readonly op: 'CUSTOM';
  readonly name: string;
  readonly options: Uint8Array | null;
}
/** A builtin whose options are not read. It can be named, but not written again. */
export interface TfliteOtherOperator extends OperatorBase {
  readonly op: 'OTHER';
  readonly name: string;
}

export type TfliteOperator =
  { [O in TfliteBuiltin]: TfliteOperatorOf<O> }[TfliteBuiltin] | TfliteCustomOperator | TfliteOtherOperator;
