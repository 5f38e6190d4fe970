/** octograd/tflite: bytes of .tflite files <-> plain data, graphs of this library <-> files. */
export { decodeTflite } from './decode.js';
export type { TfliteArray, TfliteArrayOf, TfliteDType } from './dtypes.js';
export { encodeTflite } from './encode.js';
export { exportTflite, type TfliteExport, type TfliteExportOptions } from './export/export.js';
export type { EdgeType } from './export/edges.js';
export {
  importTflite,
  type TfliteImport,
  type TfliteImportOptions,
  type TflitePort,
} from './import/import.js';
export { TFLITE_OPERATORS } from './import/ops/index.js';
export { readTfliteMetadata, type TfliteMetadata } from './export/metadata.js';
export { TFLITE_BUILTINS } from './operators.js';
export type { TfliteActivation, TflitePadding } from './schema.js';
export * from './types.js';
export { requiredVersion } from './versions.js';
