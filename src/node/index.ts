/** What needs Node: files, folders of data, the terminal. */
export * from './dataset.js';
export * from './files.js';
export * from './images.js';
export * from './progress.js';
export * from './revectorize.js';
export * from './threads.js';
