/** Bytes <-> tensors, models and checkpoints. Knows neither files nor training. */
export * from './checkpoint.js';
export * from './container.js';
export * from './crc32.js';
export * from './int4.js';
export * from './json.js';
export * from './model.js';
export * from './npy.js';
export * from './safetensors.js';
export * from './state-tree.js';
export * from './torch.js';
