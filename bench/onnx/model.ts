/** Builds ONNX models: nodes and initializers in, the bytes of a ModelProto out. Field numbers: onnx.proto3 of ONNX 1.16. */
import type { Data } from '../types.js';
import { message, type Field } from './protobuf.js';

/** TensorProto.DataType */
const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT32 = 6;
const INT64 = 7;

export type ElementType = 'float32' | 'uint8' | 'int8' | 'int32';
const TYPES: Readonly<Record<ElementType, number>> = {
  float32: FLOAT,
  uint8: UINT8,
  int8: INT8,
  int32: INT32,
};

function typeOf(data: Data | BigInt64Array): number {
  if (data instanceof Float32Array) return FLOAT;
  if (data instanceof Uint8Array) return UINT8;
  if (data instanceof Int8Array) return INT8;
  return data instanceof Int32Array ? INT32 : INT64;
}

export type Attribute = number | { readonly float: number } | string | readonly number[];

function attribute(name: string, value: Attribute): Uint8Array {
  const head: Field = [1, name];
  // AttributeProto: f = 2, i = 3, s = 4, ints = 8, type = 20 (FLOAT 1, INT 2, STRING 3, INTS 7)
  if (typeof value === 'number') return message([head, [3, value], [20, 2]]);
  if (typeof value === 'string') return message([head, [4, value], [20, 3]]);
  if ('float' in value) return message([head, [2, value], [20, 1]]);
  return message([head, ...value.map((v): Field => [8, v]), [20, 7]]);
}

const MICROSOFT = 'com.microsoft';

export class ModelBuilder {
  readonly #nodes: Uint8Array[] = [];
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  #names = 0;

  /** A name that nothing else has. */
  fresh(hint: string): string {
    return `${hint}:${this.#names++}`;
  }

  /** A constant; returns its name. An empty shape makes a scalar. */
  constant(data: Data | BigInt64Array, shape: readonly number[], hint = 'c'): string {
    const name = this.fresh(hint);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    // TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9
    const dims = shape.map((d): Field => [1, d]);
    this.#initializers.push(message([...dims, [2, typeOf(data)], [8, name], [9, bytes]]));
    return name;
  }

  /** @returns the name of the node's one output, `output` where it is given */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    { output = this.fresh(op), microsoft = false }: { output?: string; microsoft?: boolean } = {},
  ): string {
    // NodeProto: input = 1, output = 2, name = 3, op_type = 4, attribute = 5, domain = 7
    this.#nodes.push(
      message([
        ...inputs.map((i): Field => [1, i]),
        [2, output],
        [3, output],
        [4, op],
        ...Object.entries(attributes).map(([name, value]): Field => [5, attribute(name, value)]),
        ...(microsoft ? ([[7, MICROSOFT]] as const) : []),
      ]),
    );
    return output;
  }

  input(name: string, type: ElementType, shape: readonly number[]): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return name;
  }

  output(name: string, type: ElementType, shape: readonly number[]): void {
    this.#outputs.push(valueInfo(name, type, shape));
  }

  bytes(): Uint8Array {
    // GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12
    const graph = message([
      ...this.#nodes.map((n): Field => [1, n]),
      [2, 'bench'],
      ...this.#initializers.map((i): Field => [5, i]),
      ...this.#inputs.map((v): Field => [11, v]),
      ...this.#outputs.map((v): Field => [12, v]),
    ]);
    // ModelProto: ir_version = 1, graph = 7, opset_import = 8 (domain = 1, version = 2)
    return message([
      [1, 8],
      [7, graph],
      [8, message([[2, 17]])],
      [
        8,
        message([
          [1, MICROSOFT],
          [2, 1],
        ]),
      ],
    ]);
  }
}

function valueInfo(name: string, type: ElementType, shape: readonly number[]): Uint8Array {
  // ValueInfoProto: name = 1, type = 2; TypeProto: tensor_type = 1 (elem_type = 1, shape = 2); dim = 1 (dim_value = 1)
  const dims = message(shape.map((d): Field => [1, message([[1, d]])]));
  return message([
    [1, name],
    [
      2,
      message([
        [
          1,
          message([
            [1, TYPES[type]],
            [2, dims],
          ]),
        ],
      ]),
    ],
  ]);
}
