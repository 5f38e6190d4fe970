/**
 * Kernels that only training needs: elementwise functions, sums, pooling, optimizer steps. The list of `index.ts` does not
 * have them, so that whoever only runs a model does not ship them.
 */
import { linearMemoryOf, wasm } from './index.js';
import { map } from './reference/training/map.js';
import { avgpool, avgpoolGrad, maxpool, maxpoolGrad } from './reference/training/pool.js';
import { sums } from './reference/training/sums.js';
import type { Backend } from './types.js';
import { mapKernel } from './wasm/vector/map.js';
import { poolKernels } from './wasm/vector/pool.js';
import { sumsKernel } from './wasm/vector/sums.js';

export const trainingReference: Backend = [map, sums, maxpool, maxpoolGrad, avgpool, avgpoolGrad];
const trainingWasm: Backend = [mapKernel, sumsKernel, ...poolKernels];

/** WebAssembly SIMD, then plain JavaScript, for every op. */
export const training: Backend = [...trainingWasm, ...wasm, ...trainingReference];

/** What `backend` has, and the kernels of training: those in WebAssembly only where it has some itself. */
export function withTraining(backend: Backend): Backend {
  return [...(linearMemoryOf(backend) === null ? [] : trainingWasm), ...backend, ...trainingReference];
}
