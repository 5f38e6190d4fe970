/** The ONNX file format: bytes <-> plain data, graphs of this library -> files. */
export { decodeOnnx, decodeOnnxTensor, MAX_GRAPH_DEPTH } from './decode.js';
export { encodeOnnx } from './encode.js';
export { exportOnnx, type OnnxExport, type OnnxExportOptions } from './export/export.js';
export { readOnnxMetadata, type OnnxMetadata } from './export/metadata.js';
export type { SelfTest } from '../selfTest.js';
export * from './types.js';
export * from './import/index.js';
