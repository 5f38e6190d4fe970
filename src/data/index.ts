/** Data sets, the idx format, batches. Bytes in: files and the DOM stay outside. */
export type { Augmentation } from './augment.js';
export * from './dataset.js';
export * from './idx.js';
export * from './image.js';
export * from './loader.js';
export * from './sheet.js';
export * from './table.js';
