/** What a model says about itself in a TFLite file: named buffers of UTF-8 text, the same entries as in ONNX files. */
import { readOnnxMetadata, writeMetadata, type OnnxMetadata } from '../../onnx/export/metadata.js';

export type TfliteMetadata = OnnxMetadata;

/** Other tools attach buffers of their own. */
const PREFIX = 'octograd.';

export function writeTfliteMetadata(
  metadata: TfliteMetadata,
  notes: readonly string[],
): Map<string, Uint8Array> {
  const utf8 = new TextEncoder();
  return new Map(
    Array.from(writeMetadata(metadata, notes), ([key, text]) => [`${PREFIX}${key}`, utf8.encode(text)]),
  );
}

/**
 * Reads what {@link exportTflite} wrote; what is not there is empty or null.
 * @throws FormatError where an entry is there and something else
 */
export function readTfliteMetadata(buffers: ReadonlyMap<string, Uint8Array>): TfliteMetadata {
  const utf8 = new TextDecoder();
  const entries = new Map<string, string>();
  for (const [key, bytes] of buffers)
    if (key.startsWith(PREFIX)) entries.set(key.slice(PREFIX.length), utf8.decode(bytes));
  return readOnnxMetadata(entries);
}
