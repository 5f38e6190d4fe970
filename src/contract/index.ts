/** What holds for a file: opened again, audited, compared with the runtime, tested by what travels in it. */
export * from './audit.js';
export * from './open.js';
export * from './run.js';
export * from './verify.js';
