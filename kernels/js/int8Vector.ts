/**
 * Integer matrix times one vector (a linear layer at batch 1). Nothing is reused, so that packing panels would cost more
 * than it saves: eight output channels, four pairs (see pairs.ts), pass along the vector together.
 */
import type { Kernel } from '../types.js';
import { initialSums, MAX_PAIR_TERMS, PAIR_SHIFT, requantizer, splitPairs } from './pairs.js';

const LANES = 4;

export const qgemv: Kernel<'qgemm'> = {
  op: 'qgemm',
  name: 'q8-qs8w-gemv-8-f64-js',
  supports: ({ m, w, wZeroPoint }) => m === 1 && wZeroPoint === 0 && w instanceof Int8Array,
  prepare: ({ n, k, x, xZeroPoint, w, bias, requant, y }, memory) => {
    const panels = Math.ceil(n / (2 * LANES));
    const packed = memory.allocate('float64', panels * LANES * k);
    for (let channel = 0; channel < n; channel++) {
      const panel = Math.floor(channel / (2 * LANES));
      const lane = channel % LANES;
      const scale = channel % (2 * LANES) < LANES ? 1 : PAIR_SHIFT;
      for (let i = 0; i < k; i++) packed[(panel * k + i) * LANES + lane] += w[channel * k + i] * scale;
    }
    const vector = memory.allocate('float64', k);
    const low = memory.allocate('float64', LANES);
    const high = memory.allocate('float64', LANES);
    const row = memory.allocate('float64', panels * 2 * LANES);
    const initial = initialSums(w, 0, n, k, xZeroPoint, bias, 0, memory);
    const write = requantizer(y, initial, 0, requant);
    return () => {
      vector.set(x);
      row.fill(0);
      for (let panel = 0; panel < panels; panel++) {
        for (let k0 = 0; k0 < k; k0 += MAX_PAIR_TERMS) {
          dot4(vector, k0, Math.min(k, k0 + MAX_PAIR_TERMS), packed, (panel * k + k0) * LANES, low);
          splitPairs(low, high);
          const o = panel * 2 * LANES;
          for (let lane = 0; lane < LANES; lane++) {
            row[o + lane] += low[lane];
            row[o + LANES + lane] += high[lane];
          }
        }
      }
      write(row, 0, 0, n, 0);
    };
  },
};

function dot4(x: Float64Array, k0: number, k1: number, w: Float64Array, i: number, out: Float64Array): void {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let k = k0; k < k1; k++) {
    const v = x[k];
    s0 += v * w[i];
    s1 += v * w[(i + 1) | 0];
    s2 += v * w[(i + 2) | 0];
    s3 += v * w[(i + 3) | 0];
    i = (i + 4) | 0;
  }
  out[0] = s0;
  out[1] = s1;
  out[2] = s2;
  out[3] = s3;
}
