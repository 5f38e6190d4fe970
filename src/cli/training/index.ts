/** Trainings that can be interrupted anywhere: runs, their checkpoints, and the files of these. */
export * from './checkpoints.js';
export * from './float.js';
export * from './job.js';
export * from './run.js';
export * from './savedFit.js';
export * from './state.js';
