/**
 * The idx format of the MNIST family: two zero bytes, a type code, the number of axes, the sizes as big-endian uint32,
 * then the elements, big-endian (http://yann.lecun.com/exdb/mnist/).
 */
import { FormatError, formatShape, NDArray, UnsupportedError, type DType } from '../core/index.js';

const TYPES: Readonly<Record<number, DType>> = {
  0x08: 'uint8',
  0x09: 'int8',
  0x0c: 'int32',
  0x0d: 'float32',
  0x0e: 'float64',
};

type Reader = (view: DataView, offset: number) => number;

const WIDE: Partial<Record<DType, readonly [number, Reader]>> = {
  int32: [4, (view, at) => view.getInt32(at)],
  float32: [4, (view, at) => view.getFloat32(at)],
  float64: [8, (view, at) => view.getFloat64(at)],
};

const MAX_RANK = 8;

/**
 * Reads an uncompressed idx file. 8-bit elements are not copied: the array shares the bytes that were given.
 * The declared size is compared with the length of the file before anything is allocated.
 *
 * @param name used in error messages, such as a file name
 * @throws FormatError when the bytes are truncated, too long, or of another format; UnsupportedError for 16-bit elements
 */
export function parseIdx(bytes: Uint8Array, name = 'idx'): NDArray {
  if (bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b)
    throw new FormatError(`${name}: the file is compressed with gzip; decompress it first`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw new FormatError(`${name}: not an idx file, which begins with two zero bytes and a type code`);
  const [, , type, rank] = bytes;
  if (type === 0x0b)
    throw new UnsupportedError(`${name}: 16-bit idx elements are not supported; convert the file`);
  const dtype = TYPES[type];
  if (dtype === undefined || rank < 1 || rank > MAX_RANK)
    throw new FormatError(
      `${name}: not an idx file, type code 0x${type.toString(16)} with ${rank} axes does not exist`,
    );
  const start = 4 + 4 * rank;
  if (bytes.length < start)
    throw new FormatError(
      `${name}: the file ends after ${bytes.length} bytes, inside its header of ${start}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const [width, read] = WIDE[dtype] ?? [1, null];
  const expected = start + shape.reduce((a, b) => a * b, width);
  if (bytes.length !== expected)
    throw new FormatError(
      `${name}: the header promises shape ${formatShape(shape)}, ${expected} bytes in all, the file has ${bytes.length}; it is ${
        bytes.length < expected ? 'truncated' : 'followed by other data'
      }`,
    );
  if (read === null) {
    const data =
      dtype === 'uint8' ? bytes.subarray(start) : new Int8Array(bytes.buffer, bytes.byteOffset + start);
    return new NDArray<DType>(data.subarray(0, expected - start), shape);
  }
  const out = NDArray.zeros(shape, dtype);
  for (let i = 0; i < out.size; i++) out.data[i] = read(view, start + i * width);
  return out;
}
