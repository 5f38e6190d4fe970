/** The intermediate representation, its checks, its text and its passes. */
export * from './builder.js';
export * from './ir.js';
export * from './passes/foldBatchNorm.js';
export * from './passes/fuse.js';
export * from './passes/prune.js';
export * from './passes/rename.js';
export * from './passes/rewrite.js';
export * from './passes/simplify.js';
export * from './passes/transposes.js';
export * from './print.js';
export * from './shapes.js';
export * from './validate.js';
