/** The ONNX file format: bytes <-> plain data. */
export { decodeOnnx, decodeOnnxTensor, MAX_GRAPH_DEPTH } from './decode.js';
export { encodeOnnx } from './encode.js';
export * from './types.js';
