/** octograd/tflite: bytes of .tflite files <-> plain data. */
export { decodeTflite } from './decode.js';
export type { TfliteArray, TfliteArrayOf, TfliteDType } from './dtypes.js';
export { encodeTflite } from './encode.js';
export { TFLITE_BUILTINS } from './operators.js';
export type { TfliteActivation, TflitePadding } from './schema.js';
export * from './types.js';
export { requiredVersion } from './versions.js';
