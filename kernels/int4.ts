/** Weights of 4 bits. Kernels widen them when they pack, so that the hot path does not know of them. */
import type { CodeArray } from './types.js';

/** The `count` weights of a layer, one to an element. */
export function weightCodes(
  { w, wBits }: { readonly w: CodeArray; readonly wBits?: 4 | undefined },
  count: number,
): CodeArray {
  return wBits === 4 ? new Int8Array(count).map((_, i) => (w[i >> 1] << (28 - 4 * (i & 1))) >> 28) : w;
}
