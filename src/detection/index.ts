/** From the outputs of a detector to boxes. */
export * from './boxes.js';
export * from './detectors.js';
