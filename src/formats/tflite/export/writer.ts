/** Collects the tensors and operators of a subgraph; names are made unique, equal lists of whole numbers are one tensor. */
import type { TfliteArrayOf, TfliteDType } from '../dtypes.js';
import type {
  TfliteBuiltin,
  TfliteOperator,
  TfliteOptionsOf,
  TfliteQuantization,
  TfliteSubgraph,
  TfliteTensor,
} from '../types.js';

/** A tensor of the file, by its index. */
export type TensorId = number;

/** Codes of the file: int8 activations and weights, int32 biases. */
export interface Codes {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  /** The dimension that many scales run along. */
  readonly dimension: number;
}

const NO_RANGE = new Float32Array(0);

function quantizationOf({ scale, zeroPoint, dimension }: Codes): TfliteQuantization {
  return { scale, zeroPoint, quantizedDimension: dimension, min: NO_RANGE, max: NO_RANGE };
}

export class TfliteWriter {
  readonly #tensors: TfliteTensor[] = [];
  readonly #operators: TfliteOperator[] = [];
  readonly #names: Set<string>;
  readonly #lists = new Map<string, TensorId>();

  /** @param reserved names that only {@link reservedTensor} gives */
  constructor(reserved: Iterable<string>) {
    this.#names = new Set(reserved);
  }

  #fresh(name: string): string {
    let free = name;
    for (let i = 2; this.#names.has(free); i++) free = `${name}_${i}`;
    this.#names.add(free);
    return free;
  }

  #add(
    name: string,
    dtype: TfliteDType,
    shape: readonly number[],
    data: TfliteTensor['data'],
    codes: Codes | null,
  ): TensorId {
    const quantization = codes === null ? null : quantizationOf(codes);
    return (
      this.#tensors.push({
        name,
        shape,
        shapeSignature: null,
        dtype,
        data,
        quantization,
        isVariable: false,
      }) - 1
    );
  }

  /** float32, or int8 where it has codes. */
  tensor(name: string, shape: readonly number[], codes: Codes | null): TensorId {
    return this.#add(this.#fresh(name), codes === null ? 'float32' : 'int8', shape, null, codes);
  }

  reservedTensor(name: string, shape: readonly number[], codes: Codes | null): TensorId {
    return this.#add(name, codes === null ? 'float32' : 'int8', shape, null, codes);
  }

  int32Tensor(name: string, shape: readonly number[]): TensorId {
    return this.#add(this.#fresh(name), 'int32', shape, null, null);
  }

  constant<D extends TfliteDType>(
    name: string,
    dtype: D,
    shape: readonly number[],
    data: TfliteArrayOf[D],
    codes: Codes | null = null,
  ): TensorId {
    return this.#add(this.#fresh(name), dtype, shape, data, codes);
  }

  /** Axes, shapes and sizes. */
  int32s(values: readonly number[], shape: readonly number[] = [values.length]): TensorId {
    const key = `${shape.join()} ${values.join()}`;
    let tensor = this.#lists.get(key);
    if (tensor === undefined) {
      tensor = this.constant(`int32 [${values.join(', ')}]`, 'int32', shape, Int32Array.from(values));
      this.#lists.set(key, tensor);
    }
    return tensor;
  }

  operator<O extends TfliteBuiltin>(
    op: O,
    inputs: readonly TensorId[],
    options: TfliteOptionsOf<O>,
    outputs: readonly TensorId[],
  ): void {
    this.#operators.push({ op, version: null, inputs, outputs, options } as unknown as TfliteOperator);
  }

  at(tensor: TensorId): TfliteTensor {
    return this.#tensors[tensor];
  }

  finish(name: string, inputs: readonly TensorId[], outputs: readonly TensorId[]): TfliteSubgraph {
    return { name, tensors: this.#tensors, inputs, outputs, operators: this.#operators };
  }
}
