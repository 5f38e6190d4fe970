/** Tape, tensors, the op contract and the gradient check. */
export * from './gradcheck.js';
export * from './op.js';
export * from './tensor.js';
