/** Detectors: from outputs to boxes, losses, how good they are, scenes to train on. */
export { assignCells, type CellAssignment, type CellGrid } from './assignCells.js';
export * from './boxes.js';
export * from './decode.js';
export * from './detectors.js';
export * from './draw.js';
export { detectionLoss, type DetectionLossOptions } from './loss.js';
export * from './meanAveragePrecision.js';
export * from './scenes.js';
export * from './targets.js';
