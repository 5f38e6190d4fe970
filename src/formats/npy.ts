/**
 * NumPy's .npy: one array with its dtype and shape.
 *
 * Source: numpy.lib.format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): magic, version,
 * header length, a Python dict literal padded so that the data starts at a multiple of 64, the data.
 */
import { allocate, type DType, type TypedArray } from '../core/dtype.js';
import { FormatError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { formatShape, sizeOf, type Shape } from '../core/shape.js';
import { widenFloat16 } from './half.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Far above what a plain array needs; numpy itself stops at 10 000. */
const MAX_HEADER_BYTES = 65_536;
const DESCR = { float32: '<f4', float64: '<f8', int8: '|i1', uint8: '|u1', int32: '<i4' } as const;

type FileArray = TypedArray | Int16Array | Uint16Array | Uint32Array | BigInt64Array | BigUint64Array;

interface FileType {
  readonly bytes: number;
  /** The library's type with the same values; null where there is none and the caller has to choose. */
  readonly dtype: DType | null;
  view(raw: ArrayBuffer): FileArray;
}
const FILE_TYPES = new Map<string, FileType>([
  ['f2', { bytes: 2, dtype: 'float32', view: (raw) => widenFloat16(new Uint16Array(raw)) }],
  ['f4', { bytes: 4, dtype: 'float32', view: (raw) => new Float32Array(raw) }],
  ['f8', { bytes: 8, dtype: 'float64', view: (raw) => new Float64Array(raw) }],
  ['b1', { bytes: 1, dtype: 'uint8', view: (raw) => new Uint8Array(raw) }],
  ['u1', { bytes: 1, dtype: 'uint8', view: (raw) => new Uint8Array(raw) }],
  ['i1', { bytes: 1, dtype: 'int8', view: (raw) => new Int8Array(raw) }],
  ['i2', { bytes: 2, dtype: null, view: (raw) => new Int16Array(raw) }],
  ['u2', { bytes: 2, dtype: null, view: (raw) => new Uint16Array(raw) }],
  ['i4', { bytes: 4, dtype: 'int32', view: (raw) => new Int32Array(raw) }],
  ['u4', { bytes: 4, dtype: null, view: (raw) => new Uint32Array(raw) }],
  ['i8', { bytes: 8, dtype: null, view: (raw) => new BigInt64Array(raw) }],
  ['u8', { bytes: 8, dtype: null, view: (raw) => new BigUint64Array(raw) }],
]);

/** Writes version 1.0, as numpy does. */
export function encodeNpy({ dtype, shape, data }: NDArray): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${DESCR[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const start = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = `${dict.padEnd(start - 11)}\n`;
  const out = new Uint8Array(start + data.byteLength);
  out.set(MAGIC);
  out.set([1, 0, header.length & 0xff, header.length >> 8], 6);
  out.set(new TextEncoder().encode(header), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return out;
}

export interface NpyOptions {
  /**
   * Converts the values to this type. Needed for int16, int64 and their unsigned kin, which the library does not
   * have; to an integer type every value must be a whole number in its range.
   */
  readonly dtype?: DType;
}

/**
 * Reads versions 1 to 3, little-endian, C order. Throws {@link FormatError} for other dtypes, for Fortran order, for
 * values that `dtype` cannot hold, and for a damaged file; sizes are checked before anything is allocated.
 */
export function decodeNpy(bytes: Uint8Array, options: NpyOptions = {}): NDArray {
  const { header, start } = readHeader(bytes);
  const { descr, fortranOrder, shape } = parseHeader(header);
  const type = fileType(descr);
  if (fortranOrder && shape.filter((d) => d > 1).length > 1)
    throw new FormatError(
      'bytes: the array is stored in Fortran order; save it with numpy.ascontiguousarray',
    );
  const length = sizeOf(shape) * type.bytes;
  if (length !== bytes.length - start)
    throw new FormatError(
      `bytes: shape ${formatShape(shape)} of ${descr} takes ${length} bytes, the file holds ${bytes.length - start}; it is truncated or corrupt`,
    );
  const raw = new Uint8Array(length);
  raw.set(bytes.subarray(start));
  const values = type.view(raw.buffer);
  const dtype = options.dtype ?? type.dtype;
  if (dtype === null)
    throw new FormatError(
      `bytes: dtype ${descr} has no counterpart here; give a dtype to convert to, say { dtype: 'int32' }`,
    );
  return new NDArray<DType>(dtype === type.dtype ? (values as TypedArray) : convert(values, dtype), shape);
}

function readHeader(bytes: Uint8Array): { header: string; start: number } {
  if (bytes.length < 10 || !MAGIC.every((byte, i) => bytes[i] === byte))
    throw new FormatError('bytes: this is not an .npy file; it does not start with \\x93NUMPY');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6];
  if (major < 1 || major > 3)
    throw new FormatError(`bytes: .npy version ${major} is not known; versions 1 to 3 are`);
  const lengthStart = major === 1 ? 10 : 12;
  if (bytes.length < lengthStart)
    throw new FormatError('bytes: the .npy file is cut off in its first 12 bytes');
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES || lengthStart + length > bytes.length)
    throw new FormatError(
      `bytes: a header of ${length} bytes does not fit a file of ${bytes.length} (limit ${MAX_HEADER_BYTES}); it is truncated or corrupt`,
    );
  const header = new TextDecoder('latin1').decode(bytes.subarray(lengthStart, lengthStart + length));
  return { header, start: lengthStart + length };
}

interface Header {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: Shape;
}

/** The header is a Python literal, of which only the one form that plain arrays have is read. */
function parseHeader(header: string): Header {
  const entry =
    /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"\\]*)\3|(True|False)|\(([\d\s,]*)\))\s*(,|(?=\}))/y;
  const fields = new Map<string, RegExpExecArray>();
  entry.lastIndex = 1;
  let end = 1;
  for (let m = entry.exec(header); m !== null; m = entry.exec(header)) {
    if (fields.has(m[2])) throw new FormatError(`bytes: the .npy header names ${m[2]} twice`);
    fields.set(m[2], m);
    end = entry.lastIndex;
  }
  const descr = fields.get('descr')?.[4];
  const order = fields.get('fortran_order')?.[5];
  const tuple = fields.get('shape')?.[6];
  const closed = header.startsWith('{') && header.slice(end).trim() === '}';
  if (descr === undefined || order === undefined || tuple === undefined || !closed)
    throw new FormatError(
      `bytes: the .npy header ${JSON.stringify(header.slice(0, 120))} is not that of a plain array of numbers`,
    );
  return { descr, fortranOrder: order === 'True', shape: parseTuple(tuple) };
}

function parseTuple(text: string): number[] {
  const parts = text.split(',').map((p) => p.trim());
  if (parts[parts.length - 1] === '') parts.pop();
  return parts.map((p) => {
    const size = Number(p);
    if (!/^\d+$/.test(p) || !Number.isSafeInteger(size))
      throw new FormatError(
        `bytes: the shape (${text.slice(0, 60)}) of the .npy file is not a tuple of sizes`,
      );
    return size;
  });
}

function fileType(descr: string): FileType {
  const type = FILE_TYPES.get(descr.slice(1));
  const oneByte = type?.bytes === 1;
  if (type === undefined || !(descr.startsWith('<') || (oneByte && /^[|>=]/.test(descr))))
    throw new FormatError(
      `bytes: dtype ${JSON.stringify(descr)} is not supported; use little-endian ${[...FILE_TYPES.keys()].join(', ')}`,
    );
  return type;
}

function convert(values: FileArray, dtype: DType): TypedArray {
  const out = allocate(dtype, values.length);
  const exact = dtype !== 'float32' && dtype !== 'float64';
  for (let i = 0; i < values.length; i++) {
    out[i] = Number(values[i]);
    if (exact && out[i] !== Number(values[i]))
      throw new FormatError(`bytes: the value ${values[i]} at index ${i} does not fit dtype ${dtype}`);
  }
  return out;
}
