/** The training loop and evaluation. */
export * from './evaluate.js';
export * from './fit.js';
export * from './types.js';
export { countCorrect } from './metrics.js';
