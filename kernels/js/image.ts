/**
 * Implicit im2col. One image of a batch at a time is copied to doubles with its padding around it; then element
 * (position, tap) of the matrix that im2col would write is cells[positions[position] + taps[tap]], without a test for
 * the border. The copy is small enough for the second-level cache, and it makes the packers see one array type only.
 */
import type { CodeArray, ConvGeometry, FloatArray, Memory } from '../types.js';
import type { Operand } from './blocks.js';

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
  private readonly top: number;
  private readonly left: number;
  private readonly width: number;
  private current = -1;

  constructor(
    private readonly source: FloatArray | CodeArray,
    readonly channels: number,
    private readonly vertical: Axis,
    private readonly horizontal: Axis,
    padding: number,
    memory: Memory,
  ) {
    const height = span(vertical);
    this.width = span(horizontal);
    this.top = Math.min(...vertical.taps);
    this.left = Math.min(...horizontal.taps);
    this.cells = memory.allocate('float64', height * this.width * channels);
    if (padding !== 0) this.cells.fill(padding);
    this.positions = memory.allocate('int32', vertical.positions * horizontal.positions);
    let i = 0;
    for (let y = 0; y < vertical.positions; y++) {
      for (let x = 0; x < horizontal.positions; x++)
        this.positions[i++] = (y * vertical.step * this.width + x * horizontal.step) * channels;
    }
  }

  /** Offsets of the taps, row-major, `count` channels from `first` on each. */
  taps(first: number, count: number, memory: Memory): Int32Array {
    const { vertical, horizontal, channels } = this;
    const offsets = memory.allocate('int32', vertical.taps.length * horizontal.taps.length * count);
    let i = 0;
    for (const y of vertical.taps) {
      for (const x of horizontal.taps) {
        const cell = ((y - this.top) * this.width + x - this.left) * channels + first;
        for (let c = 0; c < count; c++) offsets[i++] = cell + c;
      }
    }
    return offsets;
  }

  /** Forgets the copy: the source may have changed. */
  reset(): void {
    this.current = -1;
  }

  /** Copies image `n` unless it is the one that is there. */
  stage(n: number): void {
    if (n === this.current) return;
    this.current = n;
    const { source, cells, channels, width, top, left } = this;
    const height = cells.length / (width * channels);
    const y0 = Math.max(0, top);
    const y1 = Math.min(this.vertical.size, top + height);
    const x0 = Math.max(0, left);
    const x1 = Math.min(this.horizontal.size, left + width);
    for (let y = y0; y < y1; y++) {
      let s = ((n * this.vertical.size + y) * this.horizontal.size + x0) * channels;
      const end = s + (x1 - x0) * channels;
      let o = ((y - top) * width + x0 - left) * channels;
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

/** Lines are the positions of the whole batch, depth runs over the taps. */
export class PositionLines implements Operand {
  constructor(
    private readonly image: PaddedImage,
    private readonly taps: Int32Array,
  ) {}

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void {
    const { image, taps } = this;
    const { positions, cells } = image;
    const size = (k1 - k0) * width;
    let n = Math.floor(first / positions.length);
    let p = first - n * positions.length;
    for (let i = 0; i < count; i++, p++) {
      if (p === positions.length) {
        p = 0;
        n++;
      }
      image.stage(n);
      const base = positions[p];
      const lane = i % width;
      let o = ((i - lane) / width) * size + lane;
      for (let k = k0; k < k1; k++, o += width) to[o] = cells[base + taps[k]];
    }
  }
}

/** Lines are the taps, depth runs over the positions of the whole batch. */
export class TapLines implements Operand {
  constructor(
    private readonly image: PaddedImage,
    private readonly taps: Int32Array,
  ) {}

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array, width: number): void {
    const { image, taps } = this;
    const { positions, cells } = image;
    const size = (k1 - k0) * width;
    const end = first + count;
    let n = Math.floor(k0 / positions.length);
    let p = k0 - n * positions.length;
    for (let k = k0; k < k1; k++, p++) {
      if (p === positions.length) {
        p = 0;
        n++;
      }
      image.stage(n);
      const base = positions[p];
      let i = first;
      for (let o = (k - k0) * width; i < end; o += size) {
        for (let lane = 0; lane < width && i < end; lane++) to[o + lane] = cells[base + taps[i++]];
      }
    }
  }
}
