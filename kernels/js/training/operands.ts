/** Operands of the gradients of convolutions: taps as lines, and filters read across their order. */
import type { FloatArray } from '../../types.js';
import type { Operand } from '../blocks.js';
import type { PaddedImage } from '../image.js';

/** Element k of line `i` at start + depth[k] + i. */
export class GatheredColumns implements Operand {
  readonly #data: FloatArray;
  readonly #start: number;
  readonly #depth: Int32Array;

  constructor(data: FloatArray, start: number, depth: Int32Array) {
    this.#data = data;
    this.#start = start;
    this.#depth = depth;
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void {
    const data = this.#data;
    const depth = this.#depth;
    const size = (k1 - k0) * width;
    for (let i = 0; i < count; i++) {
      const lane = i % width;
      let o = ((i - lane) / width) * size + lane;
      const base = this.#start + first + i;
      for (let k = k0; k < k1; k++, o += width) to[o] = data[base + depth[k]];
    }
  }
}

/** Lines are the taps, depth runs over the positions of the whole batch: a B operand. */
export class TapLines implements Operand {
  readonly #image: PaddedImage;
  readonly #taps: Int32Array;

  constructor(image: PaddedImage, taps: Int32Array) {
    this.#image = image;
    this.#taps = taps;
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array): void {
    const image = this.#image;
    const taps = this.#taps;
    const { positions, cells } = image;
    const last = first + count - 1;
    for (let k = k0; k < k1;) {
      const n = Math.floor(k / positions.length);
      const from = image.stage(n);
      const p = k - n * positions.length;
      const end = Math.min(positions.length, p + k1 - k);
      for (let line = first; line <= last; line += 2) {
        const o = (line - first) * (k1 - k0) + (k - k0) * 2;
        alternate(cells, from + taps[line], from + taps[Math.min(line + 1, last)], positions, p, end, to, o);
      }
      k += end - p;
    }
  }
}

function alternate(
  cells: Float64Array,
  i0: number,
  i1: number,
  positions: Int32Array,
  p: number,
  end: number,
  to: Float64Array,
  o: number,
): void {
  for (; p < end; p++) {
    const position = positions[p];
    to[o] = cells[(i0 + position) | 0];
    to[(o + 1) | 0] = cells[(i1 + position) | 0];
    o = (o + 2) | 0;
  }
}
