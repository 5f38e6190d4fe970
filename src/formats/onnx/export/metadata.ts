/** What a model says about itself in an ONNX file: its `metadata_props`. */
import { FormatError } from '../../../core/index.js';
import { formatJson, parseJson } from '../../json.js';
import type { ModelInfo } from '../../model.js';
import { finite, list, nullable, object, text } from '../../modelSchema.js';
import { readSelfTest, writeSelfTest, type SelfTest } from '../../selfTest.js';

/** Keys of `metadata_props`; every value but `notes` is JSON. */
const KEYS = { labels: 'labels', normalization: 'normalization', selfTest: 'self_test', notes: 'notes' };

export interface OnnxMetadata extends ModelInfo {
  /** Arrays as the file has them. */
  readonly selfTest: SelfTest | null;
}

export function writeMetadata(
  { labels, normalization, selfTest }: OnnxMetadata,
  notes: readonly string[],
): Map<string, string> {
  const entries = new Map<string, string>();
  if (labels.length > 0) entries.set(KEYS.labels, formatJson(labels, 'labels'));
  if (normalization !== null)
    entries.set(KEYS.normalization, formatJson({ ...normalization }, 'normalization'));
  if (selfTest !== null) entries.set(KEYS.selfTest, writeSelfTest(selfTest));
  if (notes.length > 0) entries.set(KEYS.notes, notes.join('\n'));
  return entries;
}

const readNormalization = nullable(object({ mean: list(finite), std: list(finite) }));

/**
 * Reads what {@link writeMetadata} wrote; what is not there is empty or null.
 * @throws FormatError where an entry is there and something else
 */
export function readOnnxMetadata(metadata: ReadonlyMap<string, string>): OnnxMetadata {
  const read = <T>(key: string, empty: T, reader: (text: string) => T): T => {
    const value = metadata.get(key);
    return value === undefined ? empty : reader(value);
  };
  const normalization = read(KEYS.normalization, null, (json) =>
    readNormalization(parseJson(json, KEYS.normalization), KEYS.normalization),
  );
  if (normalization !== null && normalization.mean.length !== normalization.std.length)
    throw new FormatError(`${KEYS.normalization}: mean and std differ in length; the file is corrupt`);
  return {
    labels: read(KEYS.labels, [], (json) => list(text)(parseJson(json, KEYS.labels), KEYS.labels)),
    normalization,
    selfTest: read(KEYS.selfTest, null, readSelfTest),
  };
}
