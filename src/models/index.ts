/** Small image classifiers, how to train them, and a detector. */
export * from './create.js';
export * from './depthwise.js';
export * from './detector.js';
export type { ModelOptions } from './options.js';
export * from './plain.js';
export * from './recipes.js';
export * from './residual.js';
