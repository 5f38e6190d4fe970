/** What every runtime looks like to the comparisons: bytes of a model in, arrays in, arrays out, errors thrown. */
export const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;
export type ElementType = keyof typeof ARRAYS;
export type Elements = InstanceType<(typeof ARRAYS)[ElementType]>;

export interface TensorInfo {
  readonly name: string;
  readonly type: ElementType;
  /** -1 or a name where the model leaves a size open. */
  readonly shape: readonly (number | string)[];
}

export interface LoadedModel {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** One array per input, in order; gives one per output. Rejects when the runtime fails in any way it shows. */
  run(inputs: readonly Elements[]): Promise<Elements[]>;
  dispose(): void;
}

export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** Rejects for a file that the runtime does not take. */
  load(bytes: Uint8Array): Promise<LoadedModel>;
}

/** The elements in `bytes`, which are copied. */
export function elementsOf(type: ElementType, bytes: Uint8Array): Elements {
  return new ARRAYS[type](bytes.slice().buffer);
}

/** Throws unless there is an array of the right type and size for each input of fixed shape. */
export function checkInputs(infos: readonly TensorInfo[], arrays: readonly Elements[]): void {
  if (infos.length !== arrays.length)
    throw new Error(`inputs: ${arrays.length} arrays for a model of ${infos.length}`);
  infos.forEach(({ name, type, shape }, i) => {
    const array = arrays[i];
    const count = shape.reduce<number>((n, d) => n * Number(d), 1);
    if (!(array instanceof ARRAYS[type]) || (count >= 0 && array.length !== count))
      throw new Error(
        `input ${name}: ${array.constructor.name} of ${array.length} for ${type} [${shape.join(', ')}]`,
      );
  });
}

/** Frees the model afterwards. */
export async function withModel<T>(
  runtime: Runtime,
  bytes: Uint8Array,
  f: (model: LoadedModel) => Promise<T>,
): Promise<T> {
  const model = await runtime.load(bytes);
  try {
    return await f(model);
  } finally {
    model.dispose();
  }
}
