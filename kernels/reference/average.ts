/** The code of an average of codes, for pooling and mean. */
import { applyRequantization, clamp, quantizeMultiplier } from '../requantize.js';
import type { Numerics, QuantizedArray, Requantization } from '../types.js';

type AverageParams = Numerics & {
  readonly x: QuantizedArray;
  readonly min: number;
  readonly max: number;
  readonly y: QuantizedArray;
};

/**
 * Returns `(sum of the codes, their count) -> code`. With acc = sum - count * zx:
 * - float: `clamp(rne(f32(f32(acc) * m)) + zy)`, m = f32(f32(sx / sy) / count)
 * - fixed, equal qparams: `clamp(round(sum / count))`, ties away from zero (TFLite's AVERAGE_POOL_2D)
 * - fixed, different qparams: the quantized multiplier of sx / (sy * count) applied to acc
 */
export function averager(p: AverageParams): (sum: number, count: number) => number {
  const { x, y, min, max } = p;
  if (p.numerics === 'fixed' && x.scale === y.scale && x.zeroPoint === y.zeroPoint) {
    return (sum, count) => {
      const half = Math.floor(count / 2);
      return clamp(Math.trunc((sum > 0 ? sum + half : sum - half) / count), min, max);
    };
  }
  const inputScale = Math.fround(x.scale);
  const outputScale = Math.fround(y.scale);
  const requantization = (count: number): Requantization => {
    const clamps = { zeroPoint: y.zeroPoint, min, max };
    if (p.numerics === 'float') {
      const multiplier = Float32Array.of(Math.fround(inputScale / outputScale) / count);
      return { numerics: 'float', multiplier, ...clamps };
    }
    const { multiplier, shift } = quantizeMultiplier(inputScale / (outputScale * count));
    return {
      numerics: 'fixed',
      rounding: p.rounding,
      multiplier: Int32Array.of(multiplier),
      shift: Int32Array.of(shift),
      ...clamps,
    };
  };
  const byCount = new Map<number, Requantization>();
  return (sum, count) => {
    let requant = byCount.get(count);
    if (requant === undefined) byCount.set(count, (requant = requantization(count)));
    return applyRequantization(sum - count * x.zeroPoint, 0, requant);
  };
}
