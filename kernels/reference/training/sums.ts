/** Sums over rows with channels innermost: bias gradients, the moments and gradients of normalisations; and ranges. */
import type { FloatArray, Kernel, OpParams, SumFunction } from '../../types.js';

/** Adds the rows in elements [from, end) of x to the sums of one outer index, which start, as p does, at `at`. */
type Loop = (
  x: readonly FloatArray[],
  from: number,
  end: number,
  channels: number,
  p: Float64Array,
  y: readonly Float64Array[],
  at: number,
) => void;

const LOOPS: Readonly<Record<OpParams['sums']['fn'], Loop>> = {
  sum([x], from, end, channels, _, [sum], at) {
    if (channels === 1) {
      // an addition takes four cycles: four running sums
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      let i = from;
      for (; i + 3 < end; i += 4) {
        s0 += x[i];
        s1 += x[i + 1];
        s2 += x[i + 2];
        s3 += x[i + 3];
      }
      for (; i < end; i++) s0 += x[i];
      sum[at] += s0 + s1 + (s2 + s3);
    } else
      for (let i = from; i < end; i += channels) for (let c = 0; c < channels; c++) sum[at + c] += x[i + c];
  },
  moments([x], from, end, channels, p, [sum, square], at) {
    for (let i = from; i < end; i += channels)
      for (let c = 0; c < channels; c++) {
        const d = x[i + c] - p[at + c];
        sum[at + c] += d;
        square[at + c] += d * d;
      }
  },
  products([g, x], from, end, channels, p, [sum, product], at) {
    for (let i = from; i < end; i += channels)
      for (let c = 0; c < channels; c++) {
        const d = g[i + c];
        sum[at + c] += d;
        product[at + c] += d * (x[i + c] - p[at + c]);
      }
  },
  range([x], from, end, channels, _, [low, high], at) {
    for (let i = from; i < end; i += channels)
      for (let c = 0; c < channels; c++) {
        const v = x[i + c];
        // one branch for nearly every value; NaN and what follows it take the slow one
        if (v >= low[at + c] && v <= high[at + c]) continue;
        low[at + c] = Math.min(low[at + c], v);
        high[at + c] = Math.max(high[at + c], v);
      }
  },
};

/** A result of a function: what it is of no rows, and of two parts. */
interface Result {
  readonly start: number;
  merge(a: number, b: number): number;
}
const SUM: Result = { start: 0, merge: (a, b) => a + b };
const RANGE: readonly Result[] = [
  { start: Infinity, merge: Math.min },
  { start: -Infinity, merge: Math.max },
];
export const RESULTS: Readonly<Record<SumFunction, readonly Result[]>> = {
  sum: [SUM],
  moments: [SUM, SUM],
  products: [SUM, SUM],
  range: RANGE,
};

/** Adds the sums of rows [begin, rows) to y. */
export function addSums({ fn, outer, rows, channels, x, p, y }: OpParams['sums'], begin: number): void {
  const loop = LOOPS[fn];
  for (let o = 0; o < outer; o++)
    loop(x, (o * rows + begin) * channels, (o + 1) * rows * channels, channels, p[0], y, o * channels);
}

export const sums: Kernel<'sums'> = {
  op: 'sums',
  name: 'f32-sums-reference',
  supports: () => true,
  prepare: (p) => () => {
    p.y.forEach((y, k) => y.fill(RESULTS[p.fn][k].start));
    addSums(p, 0);
  },
};
