/** From a model to a graph, and a graph that trains. */
export * from './execute.js';
export * from './graphModule.js';
export * from './trace.js';
