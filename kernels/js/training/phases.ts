/** The input gradient of a strided convolution as convolutions of stride 1 over dy. */
import type { Axis } from '../image.js';

/**
 * The input cells of one residue modulo the stride, and the taps that reach them. Such a cell first + p * stride takes
 * part in output p + (first + pad - tap * dilation) / stride for the taps where that is whole.
 */
export interface Phase extends Axis {
  /** the first cell */
  readonly first: number;
  /** index in the filter of each tap; taps ascend */
  readonly kernel: readonly number[];
}

export function phases(
  size: number,
  out: number,
  taps: number,
  stride: number,
  dilation: number,
  pad: number,
): Phase[] {
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const kernel = Array.from({ length: taps }, (_, t) => taps - 1 - t).filter(
      (t) => (first + pad - t * dilation) % stride === 0,
    );
    return {
      first,
      kernel,
      size: out,
      positions: Math.ceil((size - first) / stride),
      step: 1,
      taps: kernel.map((t) => (first + pad - t * dilation) / stride),
    };
  });
}
