/**
 * Two 8-bit weights in one double, so that one multiplication and one addition serve two output channels:
 *
 *     pair = w0 + w1 * 2^27,   sum x * pair = sum x * w0 + 2^27 * sum x * w1
 *
 * Exactness. Let both sums stay within B = 2^26 - 1. Then every partial total is a whole number of at most
 * B * (2^27 + 1) < 2^53, which a double holds; and the low sum is less than half of 2^27, so that rounding total * 2^-27 to
 * the nearest whole number gives the high one. A product is at most 255 * 128 = 32640 (codes go in raw; the zero point is
 * taken off afterwards, through the sum of the weights), so a block may be floor(B / 32640) = 2056 long. Blocks are
 * MAX_DEPTH = 1024 long; longer sums are split.
 */
import { applyRequantization } from '../requantize.js';
import type { CodeArray, Memory, Requantization } from '../types.js';
import { blockSums, MAX_COLUMNS, MAX_DEPTH, type Operand, type Sink, SUMS_LENGTH } from './blocks.js';
import { TILE_N } from './tile.js';

export const PAIR_SHIFT = 134217728;
/** Longest sum of products that pairs hold exactly: floor((2^26 - 1) / (255 * 128)). */
export const MAX_PAIR_TERMS = 2056;
const SHIFT = PAIR_SHIFT;
const UNSHIFT = 1 / SHIFT;
/** Adding and taking off 1.5 * 2^52 rounds to the nearest whole number, ties to even; see rounding.ts. */
const MAGIC = 6755399441055744;

const sums = blockSums();

/** Weights [n, k] from `start` on as panels of TILE_N columns, each column a pair of output channels. */
export class WeightPairs implements Operand {
  readonly #packed: Float64Array;

  readonly #k: number;

  constructor(w: CodeArray, start: number, n: number, k: number, memory: Memory) {
    this.#k = k;
    const columns = Math.ceil(n / 2);
    this.#packed = memory.allocate('float64', Math.ceil(columns / TILE_N) * TILE_N * k);
    for (let column = 0; column < columns; column++) {
      const lane = column % TILE_N;
      const panel = (column - lane) * k;
      const low = start + 2 * column * k;
      for (let i = 0; i < k; i++) {
        const high = 2 * column + 1 < n ? w[low + k + i] : 0;
        this.#packed[panel + i * TILE_N + lane] = w[low + i] + high * SHIFT;
      }
    }
  }

  pack(first: number, count: number, k0: number, k1: number, to: Float64Array): void {
    const packed = this.#packed;
    const k = this.#k;
    const length = (k1 - k0) * TILE_N;
    let o = 0;
    for (let panel = first; panel < first + count; panel += TILE_N) {
      let s = panel * k + k0 * TILE_N;
      for (const end = s + length; s < end;) to[o++] = packed[s++];
    }
  }
}

/** What the sum of each output channel starts from: bias[n] - zeroPoint * sum_k w[n, k]. */
export function initialSums(
  w: CodeArray,
  start: number,
  n: number,
  k: number,
  zeroPoint: number,
  bias: Int32Array | null,
  biasStart: number,
  memory: Memory,
): Float64Array {
  const initial = memory.allocate('float64', n);
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += w[start + j * k + i];
    initial[j] = (bias === null ? 0 : bias[biasStart + j]) - zeroPoint * sum;
  }
  return initial;
}

/**
 * Splits pairs into int32 sums, adds the blocks of depth up and requantizes: channel c of row m goes to
 * y[m * stride + start + c].
 */
export function pairSink(
  y: CodeArray | Int32Array,
  start: number,
  stride: number,
  n: number,
  k: number,
  initial: Float64Array,
  requant: Requantization | null,
  memory: Memory,
): Sink {
  const partial = k > MAX_DEPTH ? memory.allocate('float64', 2 * SUMS_LENGTH) : null;
  const row = memory.allocate('float64', 2 * MAX_COLUMNS);
  const write = requantizer(y, initial, start, requant);
  return (m0, rows, n0, columns, sumStride, first, last) => {
    const channels = Math.min(n - 2 * n0, 2 * columns);
    for (let i = 0; i < rows; i++) {
      split(i * sumStride, columns, row);
      if (partial !== null) {
        const p = 2 * i * sumStride;
        if (first) for (let j = 0; j < channels; j++) partial[p + j] = row[j];
        else if (!last) for (let j = 0; j < channels; j++) partial[p + j] += row[j];
        else for (let j = 0; j < channels; j++) row[j] += partial[p + j];
      }
      if (last) write(row, 0, (m0 + i) * stride + start + 2 * n0, channels, 2 * n0);
    }
  };
}

function split(from: number, columns: number, row: Float64Array): void {
  for (let j = 0; j < columns; j++) {
    const total = sums[from + j];
    const high = total * UNSHIFT + MAGIC - MAGIC;
    row[2 * j] = total - high * SHIFT;
    row[2 * j + 1] = high;
  }
}

/** Rounds pairs in place to their low sums, the high ones go to `high`. */
export function splitPairs(pairs: Float64Array, high: Float64Array): void {
  for (let i = 0; i < pairs.length; i++) {
    const h = pairs[i] * UNSHIFT + MAGIC - MAGIC;
    pairs[i] -= h * SHIFT;
    high[i] = h;
  }
}

/** Writes `count` sums row[from + j] of the channels `channel + j`, requantized, to y[o + j]. */
type Requantizer = (row: Float64Array, from: number, o: number, count: number, channel: number) => void;

/** Channels count from `group` on in the multipliers, from 0 in the initial sums. */
export function requantizer(
  y: CodeArray | Int32Array,
  initial: Float64Array,
  group: number,
  requant: Requantization | null,
): Requantizer {
  if (requant === null)
    return (row, from, o, count, channel) => {
      for (let j = 0; j < count; j++) y[o + j] = row[from + j] + initial[channel + j];
    };
  if (requant.numerics === 'fixed')
    return (row, from, o, count, channel) => {
      for (let j = 0; j < count; j++)
        y[o + j] = applyRequantization(row[from + j] + initial[channel + j], group + channel + j, requant);
    };
  const multiplier = new Float64Array(initial.length).fill(requant.multiplier[0]);
  if (requant.multiplier.length > 1)
    multiplier.set(requant.multiplier.subarray(group, group + initial.length));
  return (row, from, o, count, channel) =>
    requantizeFloat(row, from, y, o, count, initial, multiplier, channel, requant);
}

function requantizeFloat(
  row: Float64Array,
  from: number,
  y: CodeArray | Int32Array,
  o: number,
  count: number,
  initial: Float64Array,
  multiplier: Float64Array,
  channel: number,
  { zeroPoint, min, max }: Requantization,
): void {
  // Clamped before the zero point is added, so that what is stored is a small whole number on every path.
  const low = min - zeroPoint;
  const high = max - zeroPoint;
  for (let j = 0; j < count; j++) {
    const sum = Math.fround(row[from + j] + initial[channel + j]);
    const scaled = Math.fround(sum * multiplier[channel + j]) + MAGIC - MAGIC;
    y[o + j] = (scaled < low ? low : scaled > high ? high : scaled) + zeroPoint;
  }
}
