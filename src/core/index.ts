/** Shapes, element types, arrays, quantization parameters, errors, randomness. Imports nothing above. */
export * from './dtype.js';
export * from './errors.js';
export * from './ndarray.js';
export * from './permute.js';
export * from './qparams.js';
export * from './random.js';
export * from './shape.js';
export * from './stateDict.js';
