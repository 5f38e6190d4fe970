/** The reference backend: one kernel per op, each the specification of its op. */
import type { Backend } from '../types.js';
import { conv2d } from './conv2d.js';
import { conv2dFilterGrad } from './conv2dFilterGrad.js';
import { conv2dInputGrad } from './conv2dInputGrad.js';
import { gemm } from './gemm.js';

/** Slow, obviously correct, and the meaning of every op. */
export const reference: Backend = [gemm, conv2d, conv2dInputGrad, conv2dFilterGrad];
