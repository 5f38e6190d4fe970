/**
 * The distribution of a stream of float32 values in constant memory.
 *
 * Up to {@link EXACT_VALUES} values are kept as they are. Beyond that, values are counted in bins of width 2^e on the grid
 * of multiples of 2^e, with the smallest e for which the range from the smallest to the largest value fits in
 * {@link BINS} bins. When the range grows, e grows, and neighbouring bins are added: every count stays exact. So the
 * content is a function of the set of values alone, whatever their order and their division into batches.
 *
 * A bin is at most 1 / 8191 of the range wide, 2 * (max - min) / (BINS - 2).
 */
import { isCount, numbersOf } from './observer.js';

/** Values kept before binning: 128 KiB. */
export const EXACT_VALUES = 32768;
/** Bins of float64 counts: 128 KiB. */
export const BINS = 16384;
/** 2^-149 divides every float32. */
const MIN_EXPONENT = -149;

interface Grid {
  /** Bins are 2^exponent wide. */
  readonly exponent: number;
  /** Bin i covers [first + i, first + i + 1) * 2^exponent. */
  readonly first: number;
}

function gridFor(min: number, max: number): Grid {
  // Not finer than 2^-40 of the largest magnitude (float32 has 24 bits), so that bin numbers are exact in a double.
  const floor = Math.max(Math.floor(Math.log2(Math.max(-min, max))) - 40, MIN_EXPONENT);
  let exponent = Math.max(Math.floor(Math.log2((max - min) / BINS)) - 1, floor);
  while (Math.floor(max * 2 ** -exponent) - Math.floor(min * 2 ** -exponent) >= BINS) exponent++;
  return { exponent, first: Math.floor(min * 2 ** -exponent) };
}

interface Bins extends Grid {
  readonly counts: Float64Array;
}

export class Distribution {
  count = 0;
  min = Infinity;
  max = -Infinity;
  /** The first `count` elements are the values seen, as long as there are no bins. */
  #values = new Float32Array(64);
  #bins: Bins | null = null;

  /** Adds finite values, whose smallest and largest are `min` and `max`. At least one. */
  add(values: Float32Array, min: number, max: number): void {
    this.min = Math.min(this.min, min);
    this.max = Math.max(this.max, max);
    const count = this.count + values.length;
    if (this.#bins === null && count <= EXACT_VALUES) {
      if (count > this.#values.length) {
        const larger = new Float32Array(Math.min(Math.max(count, 2 * this.#values.length), EXACT_VALUES));
        larger.set(this.#values);
        this.#values = larger;
      }
      this.#values.set(values, this.count);
    } else {
      this.#regrid();
      if (this.#values.length > 0) {
        this.#countIn(this.#values.subarray(0, this.count));
        this.#values = new Float32Array(0);
      }
      this.#countIn(values);
    }
    this.count = count;
  }

  /** Are the values themselves kept? */
  get exact(): boolean {
    return this.#bins === null;
  }

  /** What a quantile can be off by: 0 while exact, then the width of a bin. */
  get resolution(): number {
    return this.#bins === null ? 0 : 2 ** this.#bins.exponent;
  }

  /** Elements held in memory, at most max(EXACT_VALUES, BINS). */
  get held(): number {
    return this.#bins === null ? this.#values.length : this.#bins.counts.length;
  }

  /**
   * The values below which the given fractions lie, with linear interpolation between neighbours in order (numpy's
   * 'linear'). From bins, each is within {@link resolution} of the exact one.
   */
  quantiles(fractions: readonly number[]): number[] {
    const sorted = this.#bins === null ? this.#values.slice(0, this.count).sort() : null;
    const at = (k: number): number => (sorted === null ? this.#orderStatistic(k) : sorted[k]);
    return fractions.map((p) => {
      const position = p * (this.count - 1);
      const k = Math.min(Math.floor(position), this.count - 1);
      const low = at(k);
      return position === k ? low : low + (position - k) * (at(k + 1) - low);
    });
  }

  /** The sum of `f` over all values; a value in a bin counts as the middle of the bin. */
  sum(f: (v: number) => number): number {
    let sum = 0;
    if (this.#bins === null) {
      for (let i = 0; i < this.count; i++) sum += f(this.#values[i]);
      return sum;
    }
    const { counts, first, exponent } = this.#bins;
    const width = 2 ** exponent;
    for (let i = 0; i < counts.length; i++)
      if (counts[i] !== 0) sum += counts[i] * f((first + i + 0.5) * width);
    return sum;
  }

  /**
   * Counts in `bins` bins of equal width from `low` to `high`, which hold all values. Kept bins are split in proportion.
   */
  histogram(bins: number, low = this.min, high = this.max): Float64Array {
    const out = new Float64Array(bins);
    const perUnit = bins / (high - low);
    if (this.#bins === null) {
      for (let i = 0; i < this.count; i++) {
        const v = this.#values[i];
        out[v === high ? bins - 1 : Math.min(Math.floor(((v - low) / (high - low)) * bins), bins - 1)]++;
      }
      return out;
    }
    const { counts, first, exponent } = this.#bins;
    const width = 2 ** exponent;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      const from = Math.max((first + i) * width, this.min);
      const to = Math.min((first + i + 1) * width, this.max);
      const a = (from - low) * perUnit;
      const b = (to - low) * perUnit;
      const last = Math.min(Math.floor(b), bins - 1);
      let k = Math.min(Math.floor(a), bins - 1);
      if (k === last) out[k] += counts[i];
      else for (; k <= last; k++) out[k] += (counts[i] * (Math.min(b, k + 1) - Math.max(a, k))) / (b - a);
    }
    return out;
  }

  #countIn(values: Float32Array): void {
    const { counts, first, exponent } = this.#bins!;
    const perUnit = 2 ** -exponent;
    for (let i = 0; i < values.length; i++) counts[Math.floor(values[i] * perUnit) - first]++;
  }

  /** Moves the counts to the grid of the present range. */
  #regrid(): void {
    const grid = gridFor(this.min, this.max);
    const old = this.#bins;
    if (old !== null && old.exponent === grid.exponent && old.first === grid.first) return;
    const counts = new Float64Array(BINS);
    if (old !== null) {
      const shrink = 2 ** (old.exponent - grid.exponent);
      for (let i = 0; i < BINS; i++)
        if (old.counts[i] !== 0) counts[Math.floor((old.first + i) * shrink) - grid.first] += old.counts[i];
    }
    this.#bins = { ...grid, counts };
  }

  /** The k-th smallest value, taken to lie within its bin as if the values of a bin were spread evenly. */
  #orderStatistic(k: number): number {
    if (k === 0) return this.min;
    if (k === this.count - 1) return this.max;
    const { counts, first, exponent } = this.#bins!;
    let before = 0;
    let i = 0;
    while (before + counts[i] <= k) before += counts[i++];
    const v = (first + i + (k - before + 0.5) / counts[i]) * 2 ** exponent;
    return Math.min(Math.max(v, this.min), this.max);
  }

  /** Plain JSON. */
  save(): object {
    const { count, min, max } = this;
    if (this.#bins === null) return { count, min, max, values: Array.from(this.#values.subarray(0, count)) };
    return { count, min, max, counts: Array.from(this.#bins.counts) };
  }

  /** Throws where the state is broken. */
  static restore(state: unknown): Distribution {
    const s = state as { count?: unknown; min?: unknown; max?: unknown; values?: unknown };
    const d = new Distribution();
    if (!isCount(s.count) || typeof s.min !== 'number' || typeof s.max !== 'number' || !(s.min <= s.max))
      throw new Error('count, min or max is missing');
    d.count = s.count;
    d.min = s.min;
    d.max = s.max;
    if (s.values !== undefined) d.#values = Float32Array.from(numbersOf(s, 'values', s.count));
    else {
      const counts = Float64Array.from(numbersOf(s, 'counts', BINS));
      d.#values = new Float32Array(0);
      d.#bins = { ...gridFor(d.min, d.max), counts };
    }
    return d;
  }
}
