/**
 * Kernels that only training needs: gradients of convolutions, elementwise functions, sums, pooling, optimizer steps. The
 * lists of `index.ts` do not have them, so that whoever only runs a model does not ship them.
 */
import { linearMemoryOf, wasm } from './index.js';
import { jsKernels } from './js/index.js';
import { jsTrainingKernels } from './js/training/index.js';
import { conv2dFilterGrad } from './reference/training/conv2dFilterGrad.js';
import { conv2dInputGrad } from './reference/training/conv2dInputGrad.js';
import { map } from './reference/training/map.js';
import { avgpool, avgpoolGrad, maxpool, maxpoolGrad } from './reference/training/pool.js';
import { sums } from './reference/training/sums.js';
import type { Backend } from './types.js';
import { convGradKernels } from './wasm/float/convGrad.js';
import { mapKernel } from './wasm/vector/map.js';
import { poolKernels } from './wasm/vector/pool.js';
import { sumsKernel } from './wasm/vector/sums.js';
import { winogradInputGrad } from './wasm/winograd/inputGrad.js';

const wasmTrainingKernels: Backend = [
  winogradInputGrad,
  ...convGradKernels,
  mapKernel,
  sumsKernel,
  ...poolKernels,
];

export const trainingReference: Backend = [
  conv2dInputGrad,
  conv2dFilterGrad,
  map,
  sums,
  maxpool,
  maxpoolGrad,
  avgpool,
  avgpoolGrad,
];

/** What `backend` has, and the kernels of training: tuned ones where it has tuned ones of their sort itself. */
export function withTraining(backend: Backend): Backend {
  const tuned = backend.some((kernel) => jsKernels.includes(kernel));
  return [
    ...(linearMemoryOf(backend) === null ? [] : wasmTrainingKernels),
    ...(tuned ? jsTrainingKernels : []),
    ...backend,
    ...trainingReference,
  ];
}

/** WebAssembly SIMD, then plain JavaScript, for every op. */
export const training: Backend = [
  ...wasmTrainingKernels,
  ...jsTrainingKernels,
  ...wasm,
  ...trainingReference,
];
