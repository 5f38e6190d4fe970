/** What needs a browser. */
export * from './threads.js';
