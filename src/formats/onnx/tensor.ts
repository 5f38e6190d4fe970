/**
 * Constants of ONNX files: element types, sizes that are checked before anything is allocated, and the two ways in which
 * elements are stored: as raw little-endian bytes, or in the protobuf field that their type has.
 *
 * Source: onnx.proto, message TensorProto.
 */
import { ArgumentError, FormatError, UnsupportedError } from '../../core/errors.js';
import { formatShape, sizeOf } from '../../core/shape.js';
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from '../half.js';
import { packInt4, unpackInt4 } from '../int4.js';
import { readMessage, type Budget, type Content, type Fields } from '../protobuf.js';
import { DATA_TYPE, ONNX } from './definition.js';
import type { OnnxArrayOf, OnnxDType, OnnxTensor } from './types.js';

type TensorFields = Fields<typeof ONNX.TensorProto>;
type ListField = 'float_data' | 'double_data' | 'int32_data' | 'int64_data' | 'uint64_data';
type Stored =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

interface ElementType<D extends OnnxDType> {
  readonly code: number;
  /** The field of TensorProto for elements that are not raw bytes. */
  readonly list: ListField;
  /** The array that holds what the file stores, and the one of the library; 4-bit codes are stored two to a byte. */
  readonly Stored: { new (from: number | ArrayBufferLike): Stored; BYTES_PER_ELEMENT: number };
  readonly Data: { new (length: number): OnnxArrayOf[D]; BYTES_PER_ELEMENT: number };
  readonly packed?: true;
  /** From what is stored to the elements, and back; both absent where they are the same. */
  widen?(stored: never, count: number): OnnxArrayOf[D];
  narrow?(data: OnnxArrayOf[D]): Stored;
}

const same = <D extends OnnxDType>(
  code: number,
  list: ListField,
  Data: ElementType<D>['Data'] & ElementType<D>['Stored'],
): ElementType<D> => ({ code, list, Stored: Data, Data });

const TYPES: { readonly [D in OnnxDType]: ElementType<D> } = {
  float32: same(DATA_TYPE.FLOAT, 'float_data', Float32Array),
  float64: same(DATA_TYPE.DOUBLE, 'double_data', Float64Array),
  float16: {
    code: DATA_TYPE.FLOAT16,
    list: 'int32_data',
    Stored: Uint16Array,
    Data: Float32Array,
    widen: (bits: Uint16Array) => widenFloat16(bits),
    narrow: narrowFloat16,
  },
  bfloat16: {
    code: DATA_TYPE.BFLOAT16,
    list: 'int32_data',
    Stored: Uint16Array,
    Data: Float32Array,
    widen: (bits: Uint16Array) => widenBfloat16(bits),
    narrow: narrowBfloat16,
  },
  int8: same(DATA_TYPE.INT8, 'int32_data', Int8Array),
  int16: same(DATA_TYPE.INT16, 'int32_data', Int16Array),
  int32: same(DATA_TYPE.INT32, 'int32_data', Int32Array),
  int64: same(DATA_TYPE.INT64, 'int64_data', BigInt64Array),
  uint8: same(DATA_TYPE.UINT8, 'int32_data', Uint8Array),
  uint16: same(DATA_TYPE.UINT16, 'int32_data', Uint16Array),
  uint32: same(DATA_TYPE.UINT32, 'uint64_data', Uint32Array),
  uint64: same(DATA_TYPE.UINT64, 'uint64_data', BigUint64Array),
  int4: {
    code: DATA_TYPE.INT4,
    list: 'int32_data',
    Stored: Uint8Array,
    Data: Int8Array,
    packed: true,
    widen: (bytes: Uint8Array, count) => unpackInt4(bytes, count),
    narrow: packInt4,
  },
  uint4: {
    code: DATA_TYPE.UINT4,
    list: 'int32_data',
    Stored: Uint8Array,
    Data: Uint8Array,
    packed: true,
    widen: (bytes: Uint8Array, count) => unsigned(unpackInt4(bytes, count)),
    narrow: (codes) => packInt4(signed(codes)),
  },
  bool: {
    code: DATA_TYPE.BOOL,
    list: 'int32_data',
    Stored: Uint8Array,
    Data: Uint8Array,
    widen: (bytes: Uint8Array) => {
      for (let i = 0; i < bytes.length; i++) if (bytes[i] > 1) bytes[i] = 1;
      return bytes;
    },
    narrow: (data) => data,
  },
};

/** Codes of [0, 15] and the codes of [-8, 7] with the same bits. */
function unsigned(codes: Int8Array): Uint8Array {
  const out = new Uint8Array(codes.buffer);
  for (let i = 0; i < out.length; i++) out[i] &= 0xf;
  return out;
}
function signed(codes: Uint8Array): Int8Array {
  const out = new Int8Array(codes.length);
  for (let i = 0; i < out.length; i++) {
    if (codes[i] > 15) throw new ArgumentError(`data: the code ${codes[i]} at index ${i} is outside [0, 15]`);
    out[i] = (codes[i] << 28) >> 28;
  }
  return out;
}

/** Far more than any operator takes. */
const MAX_AXES = 64;

const NAMES = new Map(Object.entries(DATA_TYPE).map(([name, code]) => [code as number, name]));
const BY_CODE = new Map(Object.entries(TYPES).map(([dtype, { code }]) => [code, dtype as OnnxDType]));

/** The element type that `code` stands for, or null where the library has none. */
export const dtypeOfCode = (code: number | undefined): OnnxDType | null => BY_CODE.get(code ?? 0) ?? null;
export const codeOfDType = (dtype: OnnxDType): number => TYPES[dtype].code;

/**
 * Reads a TensorProto. Throws {@link FormatError} where dims, type and data do not fit each other, and
 * {@link UnsupportedError} for data in other files and for element types that {@link OnnxArrayOf} does not have.
 */
export function readTensor(bytes: Uint8Array, where: string, budget: Budget): OnnxTensor {
  const fields = readMessage(bytes, ONNX.TensorProto, budget, where);
  const name = fields.name ?? '';
  const what = name === '' ? where : `tensor ${JSON.stringify(name)}`;
  if (fields.data_location === 1)
    throw new UnsupportedError(
      `bytes: ${what} is stored in another file; save the model as one file (onnx.save_model with save_as_external_data=False)`,
    );
  if (fields.segment !== undefined)
    throw new UnsupportedError(
      `bytes: ${what} is one segment of a larger tensor; save the model as one file`,
    );
  const dtype = dtypeOfCode(fields.data_type);
  if (dtype === null) {
    const code = fields.data_type ?? 0;
    const type = NAMES.get(code);
    if (type === undefined || code === 0)
      throw new FormatError(`bytes: ${what} has element type ${code}, which ONNX does not define`);
    throw new UnsupportedError(
      `bytes: ${what} holds ${type}; tensors of ${Object.keys(TYPES).join(', ')} can be read`,
    );
  }
  if (fields.dims.length > MAX_AXES)
    throw new FormatError(
      `bytes: ${what} has ${fields.dims.length} axes, more than ${MAX_AXES}; the file is corrupt`,
    );
  const dims = Array.from(fields.dims, (dim) => {
    if (dim < 0n || dim > Number.MAX_SAFE_INTEGER)
      throw new FormatError(`bytes: ${what} has a size of ${dim}; the file is corrupt`);
    return Number(dim);
  });
  return { name, dtype, dims, data: readElements(fields, TYPES[dtype], dtype, dims, what, budget) };
}

function readElements<D extends OnnxDType>(
  fields: TensorFields,
  { list, Stored, Data, packed, widen }: ElementType<D>,
  dtype: OnnxDType,
  dims: readonly number[],
  what: string,
  budget: Budget,
): OnnxArrayOf[D] {
  const raw = fields.raw_data;
  const count = sizeOf(dims);
  const expected = packed === true ? Math.ceil(count / 2) : count;
  const given = raw === undefined ? fields[list].length : raw.length / Stored.BYTES_PER_ELEMENT;
  if (given !== expected || (raw !== undefined && fields[list].length > 0))
    throw new FormatError(
      `bytes: ${what} of ${dtype} ${formatShape(dims)} takes ${expected} elements, the file holds ${given}${raw === undefined ? '' : ` raw and ${fields[list].length} others`}; it is truncated or corrupt`,
    );
  budget.charge(expected * Stored.BYTES_PER_ELEMENT + 2 * ARRAY_BYTES);
  let stored: Stored;
  if (raw !== undefined)
    stored = new Stored(new Uint8Array(raw).buffer); // slice() of a Node Buffer would be a view
  else {
    stored = new Stored(expected);
    copyExactly(stored, fields[list], what);
  }
  if (widen === undefined) return stored as OnnxArrayOf[D];
  budget.charge(count * Data.BYTES_PER_ELEMENT);
  try {
    return widen(stored as never, count);
  } catch (error) {
    throw new FormatError(`bytes: ${what}: ${(error as Error).message}`);
  }
}

/** What a typed array takes besides its elements. */
const ARRAY_BYTES = 256;

function copyExactly(to: Stored, from: ArrayLike<number | bigint>, what: string): void {
  const convert = to instanceof BigInt64Array || to instanceof BigUint64Array ? BigInt : Number;
  for (let i = 0; i < from.length; i++) {
    to[i] = convert(from[i]);
    if (to[i] !== convert(from[i]) && from[i] === from[i])
      throw new FormatError(
        `bytes: ${what}: the value ${from[i]} at index ${i} does not fit its element type`,
      );
  }
}

/** The TensorProto of a tensor, elements as raw bytes. Throws {@link ArgumentError} where data and dims do not fit. */
export function tensorContent(tensor: OnnxTensor): Content<typeof ONNX, 'TensorProto'> {
  const { name, dims, dtype } = tensor;
  const type = TYPES[dtype] as ElementType<OnnxDType>;
  const { data } = tensor;
  if (!(data instanceof (type.Data as new (length: number) => OnnxTensor['data'])))
    throw new ArgumentError(
      `tensor ${JSON.stringify(name)}: data is ${data.constructor.name}; ${dtype} takes ${(type.Data as unknown as { name: string }).name}`,
    );
  if (data.length !== sizeOf(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    throw new ArgumentError(
      `tensor ${JSON.stringify(name)}: dims ${formatShape(dims)} do not fit ${data.length} elements`,
    );
  const stored = type.narrow === undefined ? (data as Stored) : type.narrow(data);
  return {
    name: name === '' ? undefined : name,
    dims: dims.map(BigInt),
    data_type: type.code,
    raw_data: new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength),
  };
}
