/**
 * Implicit im2col. The images of a batch are copied one after the other to doubles with their padding around them; then
 * element (position, tap) of the matrix that im2col would write is cells[stage(n) + positions[position] + taps[tap]],
 * without a test for the border. A copy is small enough for the second-level cache, and it makes the packers see one
 * array type only. The last four images are kept, for the three lines of a panel may lie in three.
 */
import type { CodeArray, ConvGeometry, FloatArray, Memory } from '../types.js';
import type { Operand } from './blocks.js';
import { TILE_M } from './tile.js';

const SLOTS = 4;

/** Positions are base + i * step, taps are added to them: one axis of a window. */
export interface Axis {
  /** cells of the source along the axis */
  readonly size: number;
  readonly positions: number;
  readonly step: number;
  /** source cell of position 0 for each tap */
  readonly taps: readonly number[];
}

export class PaddedImage {
  /** of the first channel of a position's first tap, in row-major order of positions */
  readonly positions: Int32Array;
  readonly cells: Float64Array;
  readonly #top: number;
  readonly #left: number;
  readonly #width: number;
  /** doubles of one copy */
  readonly size: number;
  readonly #current = new Int32Array(SLOTS).fill(-1);

  readonly #source: FloatArray | CodeArray;
  readonly #vertical: Axis;
  readonly #horizontal: Axis;

  constructor(
    source: FloatArray | CodeArray,
    readonly channels: number,
    vertical: Axis,
    horizontal: Axis,
    padding: number,
    memory: Memory,
  ) {
    this.#source = source;
    this.#vertical = vertical;
    this.#horizontal = horizontal;
    const height = span(vertical);
    this.#width = span(horizontal);
    this.#top = Math.min(...vertical.taps);
    this.#left = Math.min(...horizontal.taps);
    this.size = height * this.#width * channels;
    this.cells = memory.allocate('float64', SLOTS * this.size);
    if (padding !== 0) this.cells.fill(padding);
    this.positions = memory.allocate('int32', vertical.positions * horizontal.positions);
    let i = 0;
    for (let y = 0; y < vertical.positions; y++) {
      for (let x = 0; x < horizontal.positions; x++)
        this.positions[i++] = (y * vertical.step * this.#width + x * horizontal.step) * channels;
    }
  }

  /** Offsets of the taps, row-major, `count` channels from `first` on each. */
  taps(first: number, count: number, memory: Memory): Int32Array {
    const { channels } = this;
    const vertical = this.#vertical;
    const horizontal = this.#horizontal;
    const offsets = memory.allocate('int32', vertical.taps.length * horizontal.taps.length * count);
    let i = 0;
    for (const y of vertical.taps) {
      for (const x of horizontal.taps) {
        const cell = ((y - this.#top) * this.#width + x - this.#left) * channels + first;
        for (let c = 0; c < count; c++) offsets[i++] = cell + c;
      }
    }
    return offsets;
  }

  /** Forgets the copies: the source may have changed. */
  reset(): void {
    this.#current.fill(-1);
  }

  /** Copies image `n` unless it is there, and tells where. */
  stage(n: number): number {
    const slot = n % SLOTS;
    const start = slot * this.size;
    if (this.#current[slot] !== n) {
      this.#current[slot] = n;
      this.#copy(n, start);
    }
    return start;
  }

  #copy(n: number, start: number): void {
    const { cells, channels } = this;
    const source = this.#source;
    const width = this.#width;
    const top = this.#top;
    const left = this.#left;
    const height = this.size / (width * channels);
    const y0 = Math.max(0, top);
    const y1 = Math.min(this.#vertical.size, top + height);
    const x0 = Math.max(0, left);
    const x1 = Math.min(this.#horizontal.size, left + width);
    for (let y = y0; y < y1; y++) {
      let s = ((n * this.#vertical.size + y) * this.#horizontal.size + x0) * channels;
      const end = s + (x1 - x0) * channels;
      let o = start + ((y - top) * width + x0 - left) * channels;
      while (s < end) cells[o++] = source[s++];
    }
  }
}

function span(axis: Axis): number {
  return (axis.positions - 1) * axis.step + Math.max(...axis.taps) - Math.min(...axis.taps) + 1;
}

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The axes of a forward convolution over its input. */
export function forwardAxes(g: ConvGeometry): [Axis, Axis] {
  return [
    {
      size: g.inHeight,
      positions: g.outHeight,
      step: g.strideHeight,
      taps: range(g.kernelHeight).map((k) => k * g.dilationHeight - g.padTop),
    },
    {
      size: g.inWidth,
      positions: g.outWidth,
      step: g.strideWidth,
      taps: range(g.kernelWidth).map((k) => k * g.dilationWidth - g.padLeft),
    },
  ];
}

/** A 1x1 filter over every cell: the input is the im2col matrix already. */
export const isPointwise = (g: ConvGeometry): boolean =>
  g.kernelHeight * g.kernelWidth * g.strideHeight * g.strideWidth === 1 &&
  g.padTop === 0 &&
  g.padLeft === 0 &&
  g.outHeight === g.inHeight &&
  g.outWidth === g.inWidth;

/** Lines are the positions of the whole batch, depth runs over the taps: an A operand. */
export class PositionLines implements Operand {
  readonly #image: PaddedImage;
  readonly #taps: Int32Array;

  constructor(image: PaddedImage, taps: Int32Array) {
    this.#image = image;
    this.#taps = taps;
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array): void {
    const { cells } = this.#image;
    const end = first + count;
    const last = end - 1;
    let o = 0;
    for (let line = first; line < end; line += TILE_M) {
      const i0 = this.#base(line);
      const i1 = this.#base(Math.min(line + 1, last));
      const i2 = this.#base(Math.min(line + 2, last));
      interleave(cells, i0, i1, i2, this.#taps, k0, k1, to, o);
      o += (k1 - k0) * TILE_M;
    }
  }

  #base(line: number): number {
    const { positions } = this.#image;
    const n = Math.floor(line / positions.length);
    return this.#image.stage(n) + positions[line - n * positions.length];
  }
}

function interleave(
  cells: Float64Array,
  i0: number,
  i1: number,
  i2: number,
  taps: Int32Array,
  k0: number,
  k1: number,
  to: Float64Array,
  o: number,
): void {
  for (let k = k0; k < k1; k++) {
    const tap = taps[k];
    to[o] = cells[(i0 + tap) | 0];
    to[(o + 1) | 0] = cells[(i1 + tap) | 0];
    to[(o + 2) | 0] = cells[(i2 + tap) | 0];
    o = (o + 3) | 0;
  }
}
