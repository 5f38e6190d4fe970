/**
 * The file every octograd model and checkpoint is: a safetensors file (any reader of that format lists its tensors)
 * whose metadata holds a JSON document, a kind, a version and a checksum over the whole file.
 */
import { ArgumentError, FormatError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { crc32, formatCrc32 } from './crc32.js';
import { formatJson, parseJson, type Json } from './json.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

/** Raised when an older reader would misread what is written. */
export const CONTAINER_VERSION = 1;

export interface Container {
  /** What the file is, say `'model'` or `'checkpoint'`. */
  readonly kind: string;
  readonly document: Json;
  readonly tensors: ReadonlyMap<string, NDArray>;
}

// The checksum is the first metadata entry, so that it stands at a fixed place and can be left out of its own sum.
const PREFIX = new TextEncoder().encode('{"__metadata__":{"crc32":"');
const CRC_START = 8 + PREFIX.length;
const CRC_END = CRC_START + 8;

export function encodeContainer({ kind, document, tensors }: Container): Uint8Array {
  if (kind === '') throw new ArgumentError('kind: is empty; name what the file holds');
  const bytes = encodeSafetensors(tensors, {
    crc32: '00000000',
    format: 'octograd',
    version: String(CONTAINER_VERSION),
    kind,
    document: formatJson(document, 'document'),
  });
  bytes.set(new TextEncoder().encode(checksum(bytes)), CRC_START);
  return bytes;
}

/**
 * Reads a file written by {@link encodeContainer}. Throws {@link FormatError} for a file that is damaged anywhere, cut
 * short, of another format, of a newer version, or not of `expectedKind`.
 */
export function decodeContainer(bytes: Uint8Array, expectedKind?: string): Container {
  if (!PREFIX.every((byte, i) => bytes[8 + i] === byte) || bytes.length < CRC_END) {
    decodeSafetensors(bytes);
    throw new FormatError(
      'bytes: a safetensors file, but not one written by octograd; read it with decodeSafetensors',
    );
  }
  const stored = new TextDecoder('latin1').decode(bytes.subarray(CRC_START, CRC_END));
  const actual = checksum(bytes);
  if (stored !== actual)
    throw new FormatError(
      `bytes: the checksum is ${actual} where the file says ${JSON.stringify(stored)}; it is truncated or corrupt`,
    );
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { format, version, kind, document } = metadata;
  if (format !== 'octograd' || kind === undefined || document === undefined)
    throw new FormatError('bytes: a safetensors file with a checksum, but not one written by octograd');
  if (version !== String(CONTAINER_VERSION))
    throw new FormatError(
      `bytes: the file has version ${version}, this build reads version ${CONTAINER_VERSION}; update octograd to read it`,
    );
  if (expectedKind !== undefined && kind !== expectedKind)
    throw new FormatError(`bytes: the file holds a ${kind}, a ${expectedKind} is expected`);
  return { kind, document: parseJson(document, 'bytes: document'), tensors };
}

/** Over the whole file except the eight digits of the checksum itself. */
function checksum(bytes: Uint8Array): string {
  return formatCrc32(crc32(bytes.subarray(CRC_END), crc32(bytes.subarray(0, CRC_START))));
}
