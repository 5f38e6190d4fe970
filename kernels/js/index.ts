/** Tuned kernels in plain JavaScript, most special first. */
import type { Backend } from '../types.js';
import { conv2d, conv2dFilterGrad, conv2dInputGrad } from './floatConv.js';
import { gemm } from './floatGemm.js';
import { qconv2d } from './int8Conv.js';
import { qgemm } from './int8Gemm.js';

export const jsKernels: Backend = [gemm, conv2d, conv2dInputGrad, conv2dFilterGrad, qgemm, qconv2d];
