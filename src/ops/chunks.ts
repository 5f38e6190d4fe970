/** Copies evenly spaced chunks between arrays: what cat, stack and select are made of. */
import type { TypedArray } from '../core/index.js';

/** Chunk i starts at start + i * step. */
export interface Chunks {
  readonly data: TypedArray;
  readonly start: number;
  readonly step: number;
}

/** From here on TypedArray.set beats a loop: it takes about 50 ns before the first element. */
export const LONG = 96;

/** Copies `count` chunks of `length` elements. */
export function copyChunks(from: Chunks, to: Chunks, length: number, count: number): void {
  const source = from.data;
  const target = to.data;
  let s = from.start;
  let t = to.start;
  for (let i = 0; i < count; i++) {
    if (length >= LONG) target.set(source.subarray(s, s + length), t);
    else for (let k = 0; k < length; k++) target[t + k] = source[s + k];
    s += from.step;
    t += to.step;
  }
}
