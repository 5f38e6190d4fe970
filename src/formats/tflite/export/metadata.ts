/** What a model says about itself in a TFLite file: named buffers of UTF-8 text, the same entries as in ONNX files. */
import type { Numerics } from '../../../graph/index.js';
import { formatJson, parseJson } from '../../json.js';
import { readNumerics } from '../../model.js';
import { readOnnxMetadata, writeMetadata, type OnnxMetadata } from '../../onnx/export/metadata.js';

export interface TfliteMetadata extends OnnxMetadata {
  /**
   * The arithmetic that the model was made for: TFLite files do not say whether kernels round in fixed point (TensorFlow Lite)
   * or in float (XNNPACK). Null in float models and in files of others.
   */
  readonly numerics: Numerics | null;
}

/** Other tools attach buffers of their own. */
const PREFIX = 'octograd.';
const NUMERICS = 'numerics';

export function writeTfliteMetadata(
  { numerics, ...metadata }: TfliteMetadata,
  notes: readonly string[],
): Map<string, Uint8Array> {
  const utf8 = new TextEncoder();
  const entries = writeMetadata(metadata, notes);
  if (numerics !== null) entries.set(NUMERICS, formatJson({ ...numerics }, NUMERICS));
  return new Map(Array.from(entries, ([key, text]) => [`${PREFIX}${key}`, utf8.encode(text)]));
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
  const numerics = entries.get(NUMERICS);
  return {
    ...readOnnxMetadata(entries),
    numerics: numerics === undefined ? null : readNumerics(parseJson(numerics, NUMERICS), NUMERICS),
  };
}
