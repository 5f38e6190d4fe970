/** Tensors of the file as values of the graph, whose axes may lie in another order. */
import { invertPerm, type QParams, type Shape } from '../../../core/index.js';

/** A tensor of the file: codes where it has qparams, otherwise floats. */
export interface Tensor {
  readonly name: string;
  /** With a batch of 1, where the batch is free. */
  readonly shape: Shape;
  readonly qparams: QParams | null;
}

/** A value of the graph in the file: its axis i is axis perm[i] of the tensor; if `flat`, all axes but the first are one then. */
export interface View {
  readonly tensor: Tensor;
  readonly perm: readonly number[];
  readonly flat: boolean;
}

/** Where the axes of an NHWC value are in an NCHW tensor. */
export const NHWC_IN_NCHW: readonly number[] = [0, 2, 3, 1];
export const identity = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** The perm of an ONNX Transpose from one order to another. */
export const between = (from: readonly number[], to: readonly number[]): number[] =>
  invertPerm(to).map((axis) => from[axis]);
