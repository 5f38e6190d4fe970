/** Integer inference: plans an arena, packs weights once, runs. Knows nothing of training. */
export { Session, type LayerProfile, type SessionOptions } from './session.js';
export {
  geometryOf,
  layerRequantization,
  lower,
  outputRange,
  type Bindings,
  type Bound,
  type KernelCall,
} from './lower.js';
