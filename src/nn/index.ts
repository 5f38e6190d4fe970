/** Layers and their base; float only. Initialisers are grouped as `init`. */
export * from './activations.js';
export * from './conv.js';
export * from './dropout.js';
export * from './embedding.js';
export * as init from './init.js';
export * from './linear.js';
export * from './module.js';
export * from './norm.js';
export * from './pool.js';
export * from './sequential.js';
