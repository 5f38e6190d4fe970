/** Memory on the JavaScript heap: every request is a new zero-filled array. */
import type { Memory } from './types.js';

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int32: Int32Array,
} as const;

export const heap: Memory = {
  allocate: ((type: keyof typeof CONSTRUCTORS, length: number) =>
    new CONSTRUCTORS[type](length)) as Memory['allocate'],
};
