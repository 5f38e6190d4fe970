/** Small image classifiers, and how to train them. */
export * from './create.js';
export * from './depthwise.js';
export type { ModelOptions } from './options.js';
export * from './plain.js';
export * from './recipes.js';
export * from './residual.js';
