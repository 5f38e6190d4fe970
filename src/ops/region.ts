/** Copies between strided regions of any rank: what slice and padConstant are made of. */
import { stridesOf, type NDArray, type Shape, type TypedArray } from '../core/index.js';
import { LONG } from './chunks.js';
import { eachStrip } from './strips.js';

/** A part of an array: its element [i, j, ...] is at offset + i * strides[0] + j * strides[1] + ... */
export interface Region {
  readonly data: TypedArray;
  readonly offset: number;
  readonly strides: readonly number[];
}

export function whole(a: NDArray): Region {
  return { data: a.data, offset: 0, strides: stridesOf(a.shape) };
}

/** Copies a block of `shape` from one region to another. */
export function copyRegion(from: Region, to: Region, shape: Shape): void {
  const source = from.data;
  const target = to.data;
  eachStrip(shape, [from.strides, to.strides], (length, offsets, steps) => {
    const s = from.offset + offsets[0];
    const t = to.offset + offsets[1];
    const ds = steps[0];
    const dt = steps[1];
    if (ds === 1 && dt === 1 && length >= LONG) target.set(source.subarray(s, s + length), t);
    else for (let i = 0; i < length; i++) target[t + i * dt] = source[s + i * ds];
  });
}
