/** Sums over rows with channels innermost: bias gradients, the moments and gradients of normalisations. */
import type { FloatArray, Kernel, OpParams } from '../../types.js';

/** Adds what `rows` rows from element `from` on contribute to the sums of one outer index. */
type Loop = (
  x: readonly FloatArray[],
  from: number,
  end: number,
  p: FloatArray | undefined,
  y: readonly Float64Array[],
) => void;

const LOOPS: Readonly<Record<OpParams['sums']['fn'], Loop>> = {
  sum([x], from, end, _, [sum]) {
    const channels = sum.length;
    if (channels === 1) {
      // an addition takes four cycles: four running sums
      const s = [0, 0, 0, 0];
      let i = from;
      for (; i + 3 < end; i += 4) {
        s[0] += x[i];
        s[1] += x[i + 1];
        s[2] += x[i + 2];
        s[3] += x[i + 3];
      }
      for (; i < end; i++) s[0] += x[i];
      sum[0] += s[0] + s[1] + (s[2] + s[3]);
    } else for (let i = from; i < end; i += channels) for (let c = 0; c < channels; c++) sum[c] += x[i + c];
  },
  moments([x], from, end, p, [sum, square]) {
    const channels = sum.length;
    for (let i = from; i < end; i += channels)
      for (let c = 0; c < channels; c++) {
        const d = x[i + c] - p![c];
        sum[c] += d;
        square[c] += d * d;
      }
  },
  products([g, x], from, end, p, [sum, product]) {
    const channels = sum.length;
    for (let i = from; i < end; i += channels)
      for (let c = 0; c < channels; c++) {
        const d = g[i + c];
        sum[c] += d;
        product[c] += d * (x[i + c] - p![c]);
      }
  },
};

/** Adds the sums of rows [begin, rows) to y. */
export function addSums({ fn, outer, rows, channels, x, p, y }: OpParams['sums'], begin: number): void {
  for (let o = 0; o < outer; o++) {
    const part = <A extends FloatArray>(a: A): A => a.subarray(o * channels, (o + 1) * channels) as A;
    LOOPS[fn](x, (o * rows + begin) * channels, (o + 1) * rows * channels, p.map(part)[0], y.map(part));
  }
}

export const sums: Kernel<'sums'> = {
  op: 'sums',
  name: 'f32-sums-reference',
  supports: () => true,
  prepare: (p) => () => {
    for (const y of p.y) y.fill(0);
    addSums(p, 0);
  },
};
