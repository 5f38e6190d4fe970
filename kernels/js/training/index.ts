/** Tuned kernels in plain JavaScript that only training needs, most special first. */
import type { Backend } from '../../types.js';
import { conv2dFilterGrad, conv2dInputGrad } from './conv.js';
import { depthwiseFilterGrad, depthwiseInputGrad } from './depthwise.js';

export const jsTrainingKernels: Backend = [
  depthwiseInputGrad,
  depthwiseFilterGrad,
  conv2dInputGrad,
  conv2dFilterGrad,
];
