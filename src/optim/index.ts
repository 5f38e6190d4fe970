/** Optimizers, learning-rate schedules, gradient clipping. */
export * from './adam.js';
export * from './clip.js';
export * from './optimizer.js';
export * from './rmsprop.js';
export * from './rules.js';
export * from './schedule.js';
export * from './sgd.js';
