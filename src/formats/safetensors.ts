/**
 * Safetensors: named tensors in one file. An 8-byte little-endian header length, a JSON header, then the data.
 *
 * Source: https://github.com/huggingface/safetensors (README, "Format"). Typed arrays are written as they lie in
 * memory, so this assumes a little-endian machine; every JavaScript engine in use runs on one.
 */
import { allocate, bytesPerElement, type DType, type TypedArray } from '../core/dtype.js';
import { ArgumentError, FormatError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { formatShape, sizeOf } from '../core/shape.js';
import { widenBfloat16, widenFloat16 } from './half.js';
import { formatJson, isJsonObject, parseJson, type Json } from './json.js';

/** The format's own limit; a longer header is refused before it is read. */
export const MAX_HEADER_BYTES = 100_000_000;
const METADATA = '__metadata__';

const FILE_DTYPE = { float32: 'F32', float64: 'F64', int8: 'I8', uint8: 'U8', int32: 'I32' } as const;

interface Reader {
  readonly bytes: number;
  read(raw: ArrayBuffer): TypedArray;
}
const READERS = new Map<string, Reader>([
  ['F64', { bytes: 8, read: (raw) => new Float64Array(raw) }],
  ['F32', { bytes: 4, read: (raw) => new Float32Array(raw) }],
  ['I64', { bytes: 8, read: (raw) => narrowInt64(new BigInt64Array(raw)) }],
  ['I32', { bytes: 4, read: (raw) => new Int32Array(raw) }],
  ['F16', { bytes: 2, read: (raw) => widenFloat16(new Uint16Array(raw)) }],
  ['BF16', { bytes: 2, read: (raw) => widenBfloat16(new Uint16Array(raw)) }],
  ['I8', { bytes: 1, read: (raw) => new Int8Array(raw) }],
  ['U8', { bytes: 1, read: (raw) => new Uint8Array(raw) }],
]);

/** PyTorch counts batches in 64 bits. */
function narrowInt64(values: BigInt64Array): Int32Array {
  const narrow = Int32Array.from(values, Number);
  const at = values.findIndex((v, i) => v !== BigInt(narrow[i]));
  if (at >= 0) throw new FormatError(`bytes: the 64-bit integer ${values[at]} does not fit 32 bits`);
  return narrow;
}

export interface Safetensors {
  /** In the order of the data. */
  readonly tensors: Map<string, NDArray>;
  /** The text entries of `__metadata__`; an object without a prototype. */
  readonly metadata: Record<string, string>;
}

/**
 * Writes tensors and text metadata. The bytes depend only on the content, not on the order of the map: wide elements
 * come first (so that all data is aligned), then names in code-unit order.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NDArray>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries = [...tensors].sort(
    ([na, a], [nb, b]) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype) || (na < nb ? -1 : 1),
  );
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"${METADATA}":${formatJson(metadata, 'metadata')}`);
  let end = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    if (name === METADATA)
      throw new ArgumentError(`tensors: the name ${METADATA} is reserved; rename the tensor`);
    const offsets = [end, (end += data.byteLength)];
    fields.push(
      `${JSON.stringify(name)}:${formatJson({ dtype: FILE_DTYPE[dtype], shape, data_offsets: offsets }, name)}`,
    );
  }
  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES)
    throw new ArgumentError(
      `tensors: the header takes ${headerBytes} bytes, the format allows ${MAX_HEADER_BYTES}`,
    );

  const out = new Uint8Array(8 + headerBytes + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.set(text, 8);
  out.fill(0x20, 8 + text.length, 8 + headerBytes);
  let at = 8 + headerBytes;
  for (const [, { data }] of entries) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * Reads a file. F16 and BF16 are widened to float32, I64 becomes int32 where its numbers fit. The arrays are copies; `bytes` may be reused.
 *
 * Throws {@link FormatError} for everything that is not a well-formed file: it is checked in full before any tensor
 * is allocated, so a hostile file costs no more memory than its own size a few times over.
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { header, dataStart } = readHeader(bytes);
  const { [METADATA]: metadata, ...described } = header;
  const entries = Object.entries(described).map(([name, value]) => readEntry(name, value));
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const { name, start, end } of entries) {
    if (start !== covered)
      throw new FormatError(
        `bytes: tensor ${JSON.stringify(name)} starts at offset ${start} where ${covered} is expected; tensors must follow each other without holes or overlap`,
      );
    covered = end;
  }
  if (covered !== bytes.length - dataStart)
    throw new FormatError(
      `bytes: the header describes ${covered} bytes of data, the file holds ${bytes.length - dataStart}; it is truncated or corrupt`,
    );
  const tensors = new Map<string, NDArray>();
  for (const { name, shape, reader, start, end } of entries) {
    const raw = allocate('uint8', end - start);
    raw.set(bytes.subarray(dataStart + start, dataStart + end));
    tensors.set(name, new NDArray<DType>(reader.read(raw.buffer as ArrayBuffer), shape));
  }
  return { tensors, metadata: readMetadata(metadata) };
}

function readHeader(bytes: Uint8Array): { header: { readonly [key: string]: Json }; dataStart: number } {
  if (bytes.length < 8)
    throw new FormatError(
      `bytes: ${bytes.length} bytes are too few for a safetensors file, which starts with 8 bytes of header length`,
    );
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES) || length > BigInt(bytes.length - 8))
    throw new FormatError(
      `bytes: a header of ${length} bytes does not fit a file of ${bytes.length} (limit ${MAX_HEADER_BYTES}); it is truncated, or not a safetensors file`,
    );
  const dataStart = 8 + Number(length);
  if (bytes[8] !== 0x7b || length === 0n)
    throw new FormatError('bytes: the header does not start with "{"; this is not a safetensors file');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart));
  } catch {
    throw new FormatError('bytes: the header is not valid UTF-8; the file is corrupt');
  }
  const header = parseJson(text, 'bytes: header');
  if (!isJsonObject(header))
    throw new FormatError('bytes: the header is not a JSON object; the file is corrupt');
  return { header, dataStart };
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly reader: Reader;
  readonly start: number;
  readonly end: number;
}

const isSize = (v: Json): v is number => Number.isSafeInteger(v) && (v as number) >= 0;

function readEntry(name: string, value: Json): Entry {
  const fail = (what: string): never => {
    throw new FormatError(`bytes: tensor ${JSON.stringify(name)}: ${what}`);
  };
  if (!isJsonObject(value)) return fail('its description is not an object; the file is corrupt');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') return fail('dtype is missing');
  const reader = READERS.get(dtype);
  if (reader === undefined)
    return fail(`dtype ${dtype} is not supported; use one of ${[...READERS.keys()].join(', ')}`);
  if (!Array.isArray(shape) || !shape.every(isSize))
    return fail('shape must be a list of whole numbers >= 0');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1])
    return fail('data_offsets must be [start, end] with 0 <= start <= end');
  const [start, end] = offsets as [number, number];
  if (sizeOf(shape) * reader.bytes !== end - start)
    return fail(
      `shape ${formatShape(shape)} of ${dtype} does not take the ${end - start} bytes that data_offsets give`,
    );
  return { name, shape, reader, start, end };
}

function readMetadata(value: Json | undefined): Record<string, string> {
  const metadata = Object.create(null) as Record<string, string>;
  if (value === undefined) return metadata;
  if (!isJsonObject(value)) throw new FormatError(`bytes: ${METADATA} is not an object; the file is corrupt`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      throw new FormatError(
        `bytes: ${METADATA} entry ${JSON.stringify(key)} is not text; only text is allowed there`,
      );
    metadata[key] = text;
  }
  return metadata;
}
