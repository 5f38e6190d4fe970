/** Tuned kernels in plain JavaScript, most special first. */
import type { Backend } from '../types.js';
import { conv2d } from './floatConv.js';
import { depthwiseConv2d } from './floatDepthwise.js';
import { gemm } from './floatGemm.js';
import { qadd, qmul } from './int8Binary.js';
import { qconv2d } from './int8Conv.js';
import { gemv } from './floatVector.js';
import { depthwiseQconv2d } from './int8Depthwise.js';
import { qgemm } from './int8Gemm.js';
import { qavgpool, qmaxpool } from './int8Pool.js';
import { qgemv } from './int8Vector.js';

export const jsIntegerKernels: Backend = [
  depthwiseQconv2d,
  qgemv,
  qgemm,
  qconv2d,
  qadd,
  qmul,
  qmaxpool,
  qavgpool,
];

export const jsKernels: Backend = /* @__PURE__ */ jsIntegerKernels.concat(
  depthwiseConv2d,
  gemv,
  gemm,
  conv2d,
);
