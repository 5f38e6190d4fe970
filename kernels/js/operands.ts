/** Operands of a product that are matrices in memory, row-major or transposed, and weights packed beforehand. */
import type { CodeArray, FloatArray } from '../types.js';
import type { Operand } from './blocks.js';

type Source = FloatArray | CodeArray;

/** Line `i` is contiguous: element k at start + i * stride + k. */
export class Lines implements Operand {
  readonly #data: Source;
  readonly #start: number;
  readonly #stride: number;

  constructor(data: Source, start: number, stride: number) {
    this.#data = data;
    this.#start = start;
    this.#stride = stride;
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void {
    const data = this.#data;
    const stride = this.#stride;
    const size = (k1 - k0) * width;
    for (let i = 0; i < count; i++) {
      const lane = i % width;
      let o = ((i - lane) / width) * size + lane;
      const from = this.#start + (first + i) * stride;
      const end = from + k1;
      for (let s = from + k0; s < end; s++, o += width) to[o] = data[s];
    }
  }
}

/** Lines run across memory: element k of line `i` at start + k * stride + i. */
export class Columns implements Operand {
  readonly #data: Source;
  readonly #start: number;
  readonly #stride: number;

  constructor(data: Source, start: number, stride: number) {
    this.#data = data;
    this.#start = start;
    this.#stride = stride;
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void {
    const data = this.#data;
    const size = (k1 - k0) * width;
    for (let k = k0; k < k1; k++) {
      let s = this.#start + k * this.#stride + first;
      const end = s + count;
      for (let o = (k - k0) * width; s < end; o += size) {
        for (let lane = 0; lane < width && s < end; lane++) to[o + lane] = data[s++];
      }
    }
  }
}
