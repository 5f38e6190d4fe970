/** Smaller networks: pruning, distillation, and what files weigh. */
export { Pruner, type Prunable, type PrunerOptions, type PrunerState } from './pruner.js';
export { gradualSparsity, type GradualSparsityOptions, type SparsitySchedule } from './schedule.js';
export { compressedSize, type Compress, type CompressedSize } from './size.js';
export { maskChannels, pruneChannels, type ChannelOptions } from './pruneChannels.js';
export { CachedTeacher } from './cachedTeacher.js';
export {
  Distillation,
  type DistillationOptions,
  type Hint,
  type Student,
  type Teacher,
} from './distillation.js';
