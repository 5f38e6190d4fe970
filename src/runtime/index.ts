/** Integer inference: plans an arena, packs weights once, runs. Knows nothing of training. */
export { Session, type LayerProfile, type SessionOptions } from './session.js';
export {
  geometryOf,
  layerRequantization,
  outputRange,
  type Bindings,
  type Bound,
  type KernelCall,
} from './bindings.js';
export { lower } from './lower.js';
