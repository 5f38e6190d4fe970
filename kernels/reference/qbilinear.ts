/**
 * Bilinear resize of codes. Output pixel i lies at `(i + offset) * scale - offset` of the input, offset 1/2 with half-pixel
 * centres, else 0; scale = in / out, with aligned corners (in - 1) / (out - 1).
 * - float: every step in float32, first along the rows, then between them, and half to even
 * - fixed: TFLite's RESIZE_BILINEAR of int8 (reference_ops::ResizeBilinearInteger): scale and positions in units of 2^-10,
 *   the mix in units of 2^-20, half away from zero
 */
import { roundHalfEven } from '../rounding.js';
import type { Kernel, OpParams } from '../types.js';

/** Each output position of an axis mixes two input positions, the second with weight `weight / one`. */
interface Mix {
  readonly first: number;
  readonly second: number;
  readonly weight: number;
}

const ONE = 1 << 10;

type Axis = Pick<OpParams['qbilinear'], 'numerics' | 'alignCorners' | 'halfPixelCenters'>;

function mixes(inSize: number, outSize: number, p: Axis): Mix[] {
  const align = p.alignCorners && outSize > 1;
  const [from, to] = align ? [inSize - 1, outSize - 1] : [inSize, outSize];
  const last = inSize - 1;
  const fixedScale = Math.floor((ONE * from + Math.floor(to / 2)) / to);
  const scale = Math.fround(from / to);
  return Array.from({ length: outSize }, (_, i) => {
    if (p.numerics === 'fixed') {
      const at = i * fixedScale + (p.halfPixelCenters ? Math.floor(fixedScale / 2) - ONE / 2 : 0);
      const first = Math.max(Math.trunc(at / ONE), 0);
      const second = Math.min(Math.trunc((at + ONE - 1) / ONE), last);
      return { first, second, weight: at - ONE * first };
    }
    const offset = p.halfPixelCenters ? 0.5 : 0;
    const at = Math.min(Math.max(Math.fround(Math.fround((i + offset) * scale) - offset), 0), last);
    const first = Math.floor(at);
    return { first, second: Math.min(first + 1, last), weight: Math.fround(at - first) };
  });
}

function lerp(a: number, b: number, weight: number): number {
  return Math.fround(a + Math.fround(Math.fround(b - a) * weight));
}

export const qbilinear: Kernel<'qbilinear'> = {
  op: 'qbilinear',
  name: 'x8-qbilinear-reference',
  supports: () => true,
  prepare: (p) => {
    const { batch, channels, inHeight, inWidth, x, y } = p;
    const rows = mixes(inHeight, p.outHeight, p);
    const columns = mixes(inWidth, p.outWidth, p);
    const blend =
      p.numerics === 'float'
        ? (a: number, b: number, c: number, d: number, wy: number, wx: number): number =>
            roundHalfEven(lerp(lerp(a, b, wx), lerp(c, d, wx), wy))
        : (a: number, b: number, c: number, d: number, wy: number, wx: number): number => {
            const sum = (a * (ONE - wx) + b * wx) * (ONE - wy) + (c * (ONE - wx) + d * wx) * wy;
            return Math.trunc((sum + (sum > 0 ? 1 : -1) * (1 << 19)) / (1 << 20));
          };
    return () => {
      let out = 0;
      for (let n = 0; n < batch; n++)
        for (const row of rows)
          for (const column of columns) {
            const cell = (r: number, c: number): number => ((n * inHeight + r) * inWidth + c) * channels;
            const a = cell(row.first, column.first);
            const b = cell(row.first, column.second);
            const c = cell(row.second, column.first);
            const d = cell(row.second, column.second);
            for (let i = 0; i < channels; i++)
              y[out++] = blend(x[a + i], x[b + i], x[c + i], x[d + i], row.weight, column.weight);
          }
    };
  },
};
