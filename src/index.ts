/** octograd: tensors, layers, training, quantization. Kernels, runtime, formats and Node helpers have their own entries. */
export * from './autograd/index.js';
export * from './core/index.js';
export * from './data/index.js';
export {
  foldBatchNorm,
  fuseLayers,
  printGraph,
  validate,
  type Graph,
  type Node,
  type Numerics,
  type Value,
} from './graph/index.js';
export * as models from './models/index.js';
export * as nn from './nn/index.js';
export * from './ops/index.js';
export * as optim from './optim/index.js';
export * from './quant/index.js';
export * from './quant/methods/index.js';
export { Session, type LayerProfile, type SessionOptions } from './runtime/index.js';
export * from './targets/index.js';
export { GraphModule, trace, type Traceable } from './trace/index.js';
export * from './train/index.js';
