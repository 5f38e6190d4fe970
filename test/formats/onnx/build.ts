/** ONNX files for tests, written down shortly. */
import { sizeOf } from '../../../src/core/index.js';
import {
  encodeOnnx,
  type OnnxAttribute,
  type OnnxDim,
  type OnnxDType,
  type OnnxNode,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

export function tensor(
  dims: readonly number[],
  values: readonly number[],
  dtype: keyof typeof ARRAYS | 'int64' = 'float32',
): OnnxTensor {
  const data = dtype === 'int64' ? BigInt64Array.from(values, (v) => BigInt(v)) : new ARRAYS[dtype](values);
  return { name: '', dtype, dims, data } as OnnxTensor;
}

/** A list of int64. */
export const ints = (...values: number[]): OnnxTensor => tensor([values.length], values, 'int64');
/** 1, 2, 3, ... */
export const counting = (...dims: number[]): OnnxTensor =>
  tensor(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => i + 1),
  );

type Attributes = Readonly<Record<string, number | string | readonly number[] | OnnxAttribute>>;

function attribute(value: Attributes[string]): OnnxAttribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'int' : 'float', value };
  return 'type' in value ? value : { type: 'ints', value };
}

export const float = (value: number): OnnxAttribute => ({ type: 'float', value });

/** Inputs and outputs as names apart by spaces; `-` is an input that is not given. */
export function node(
  opType: string,
  inputs: string,
  outputs: string,
  attributes: Attributes = {},
  domain = '',
): OnnxNode {
  const names = (list: string): string[] =>
    list.split(' ').flatMap((name) => (name === '' ? [] : [name === '-' ? '' : name]));
  return {
    name: `${opType}_node`,
    opType,
    domain,
    inputs: names(inputs),
    outputs: names(outputs),
    attributes: new Map(Object.entries(attributes).map(([name, value]) => [name, attribute(value)])),
  };
}

export interface Written {
  readonly opset?: number;
  readonly inputs: Readonly<Record<string, readonly OnnxDim[] | null>>;
  readonly dtypes?: Readonly<Record<string, OnnxDType>>;
  readonly constants?: Readonly<Record<string, OnnxTensor>>;
  readonly nodes: readonly OnnxNode[];
  readonly outputs?: string;
}

export function onnx({
  opset = 17,
  inputs,
  dtypes = {},
  constants = {},
  nodes,
  outputs = 'y',
}: Written): Uint8Array {
  return encodeOnnx({
    irVersion: 8,
    opsets: new Map([['', opset]]),
    producerName: 'test',
    producerVersion: '1',
    metadata: new Map(),
    graph: {
      name: 'g',
      nodes,
      initializers: new Map(Object.entries(constants).map(([name, t]) => [name, { ...t, name }])),
      inputs: Object.entries(inputs).map(([name, dims]) => ({
        name,
        dtype: Object.hasOwn(dtypes, name) ? dtypes[name] : 'float32',
        dims,
      })),
      outputs: outputs.split(' ').map((name) => ({ name, dtype: 'float32', dims: null })),
      valueInfo: new Map(),
    },
  });
}
