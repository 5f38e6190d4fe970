/** Tape, tensors, the op contract and the gradient check. */
export * from './op.js';
export * from './tensor.js';
