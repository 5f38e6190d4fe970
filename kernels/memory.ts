/** Memory on the JavaScript heap: every request is a new zero-filled array. */
import type { Memory, MemoryArrays, MemoryType } from './types.js';

export const ARRAY_TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
} as const;

export const heap: Memory = {
  allocate: <T extends MemoryType>(type: T, length: number) =>
    new ARRAY_TYPES[type](length) as MemoryArrays[T],
  scope: (f) => f(),
};

/** A kernel found no room for what it packs. `run` and `prepare` then take the next kernel of the backend. */
export class OutOfMemory extends RangeError {
  constructor(what: string) {
    super(`the linear memory has no room for ${what}; raise maximumBytes with setWasmOptions`);
  }
}
