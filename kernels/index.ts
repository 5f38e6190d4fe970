/** The one place where kernels are listed. A backend is an ordered list: the first kernel that supports the parameters runs. */
import { jsKernels } from './js/index.js';
import { reference } from './reference/index.js';
import type { Backend } from './types.js';

export * from './lut.js';
export * from './memory.js';
export * from './requantize.js';
export * from './resolve.js';
export * from './rounding.js';
export * from './types.js';
export * from './unary.js';
export { reference };

/** Tuned plain JavaScript, then the reference for what it does not cover. */
export const js: Backend = [...jsKernels, ...reference];
