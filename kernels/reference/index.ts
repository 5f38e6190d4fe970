/** The reference backend: one kernel per op of inference, each the specification of its op. */
import type { Backend } from '../types.js';
import { conv2d } from './conv2d.js';
import { dequantize } from './dequantize.js';
import { gemm } from './gemm.js';
import { qadd } from './qadd.js';
import { qavgpool } from './qavgpool.js';
import { qbilinear } from './qbilinear.js';
import { qconcat } from './qconcat.js';
import { qconv2d } from './qconv2d.js';
import { qgather } from './qgather.js';
import { qgemm } from './qgemm.js';
import { qlut } from './qlut.js';
import { qmaxpool } from './qmaxpool.js';
import { qmean } from './qmean.js';
import { qmul } from './qmul.js';
import { qpad } from './qpad.js';
import { qrequantize } from './qrequantize.js';
import { qresize } from './qresize.js';
import { qsoftmax } from './qsoftmax.js';
import { quantize } from './quantize.js';

/** Slow, obviously correct, and the meaning of every op. */
export const reference: Backend = [
  gemm,
  conv2d,
  qgemm,
  qconv2d,
  qadd,
  qmul,
  qmaxpool,
  qavgpool,
  qmean,
  qconcat,
  qpad,
  qrequantize,
  qsoftmax,
  qlut,
  qresize,
  qbilinear,
  qgather,
  quantize,
  dequantize,
];
