/** Element types of TFLite tensors, and the typed arrays that hold them. */
import { UnsupportedError } from '../../core/errors.js';
import { packInt4, unpackInt4 } from '../int4.js';

/**
 * float16 comes as the bits of each value (widenFloat16 makes numbers of them), bool as bytes of 0 and 1, and int4 with one
 * code in each element, though the file packs two into a byte.
 */
export interface TfliteArrayOf {
  float32: Float32Array;
  float16: Uint16Array;
  int32: Int32Array;
  uint8: Uint8Array;
  int64: BigInt64Array;
  bool: Uint8Array;
  int16: Int16Array;
  int8: Int8Array;
  float64: Float64Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  int4: Int8Array;
}
export type TfliteDType = keyof TfliteArrayOf;
export type TfliteArray = TfliteArrayOf[TfliteDType];

/** By their code, TensorType of the schema. Null: known, but of no use for numbers. */
export const TENSOR_TYPES = [
  'float32',
  'float16',
  'int32',
  'uint8',
  'int64',
  null, // string
  'bool',
  'int16',
  null, // complex64
  'int8',
  'float64',
  null, // complex128
  'uint64',
  null, // resource
  null, // variant
  'uint32',
  'uint16',
  'int4',
] as const satisfies readonly (TfliteDType | null)[];

const OTHER_TYPES = new Map([
  [5, 'string'],
  [8, 'complex64'],
  [11, 'complex128'],
  [13, 'resource'],
  [14, 'variant'],
  [18, 'bfloat16'],
]);

export function tensorType(code: number, name: string): TfliteDType {
  const dtype = TENSOR_TYPES[code] ?? null;
  if (dtype !== null) return dtype;
  const type = OTHER_TYPES.get(code) ?? `type ${code}`;
  throw new UnsupportedError(`tensor ${JSON.stringify(name)}: elements of ${type} are not supported`);
}

const ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  int4: Int8Array,
} as const;

/** Whether `data` is the typed array that holds elements of `dtype`. */
export function holds(dtype: TfliteDType, data: ArrayBufferView): data is TfliteArray {
  return data instanceof ARRAYS[dtype];
}

/** How many bytes of the file hold `count` elements. */
export function storedBytes(dtype: TfliteDType, count: number): number {
  return dtype === 'int4' ? Math.ceil(count / 2) : count * ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** `stored` has the length that {@link storedBytes} gives, and a buffer of its own. */
export function fromStored(dtype: TfliteDType, stored: Uint8Array, count: number): TfliteArray {
  return dtype === 'int4' ? unpackInt4(stored, count) : new ARRAYS[dtype](stored.buffer as ArrayBuffer);
}

export function toStored(dtype: TfliteDType, data: TfliteArray): Uint8Array {
  if (dtype === 'int4') return packInt4(data as Int8Array);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
