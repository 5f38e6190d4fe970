/** Observers: what turns the values of a tensor into a range to quantize. */
export { entropy } from './entropy.js';
export { histogram, mse } from './histogram.js';
export { minMax, movingAverageMinMax } from './minMax.js';
export type { Observer, ObserverFactory, ObserverSpec } from './observer.js';
export { percentile } from './percentile.js';
export type { ObservedRange } from './range.js';
