/** What the kernels of this folder ask of arrays, and how they cut them. */
import type { NumberArray } from '../../types.js';
import { wasmEngine } from '../engine.js';

/** Elements from which a call, 1 to 2 us, beats a loop in JavaScript. */
const WORTH = 512;
/** Elements from which it does so with copies of arrays that lie outside the linear memory. */
const WORTH_COPYING = 4096;

/** Is a pass over these arrays, the last of which has most elements, better done here? */
export function pays(arrays: readonly (NumberArray | null)[]): boolean {
  const { memory } = wasmEngine()!;
  let length = 0;
  let owned = true;
  for (const a of arrays)
    if (a !== null) {
      if (a instanceof Float64Array) return false;
      length = Math.max(length, a.length);
      owned &&= a.length < WORTH || memory.owns(a);
    }
  return length >= (owned ? WORTH : WORTH_COPYING);
}

/** The smallest multiple of `a` and `b` from `least` on. */
export function patternLength(a: number, b: number, least: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple * Math.ceil(least / multiple);
}
