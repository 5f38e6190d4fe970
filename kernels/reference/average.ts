/** The code of an average of codes, for pooling and mean. */
import { applyRequantization, clamp, requantizationOf } from '../requantize.js';
import type { Numerics, QuantizedArray, Requantization } from '../types.js';

export type AverageParams = Numerics & {
  readonly x: QuantizedArray;
  readonly min: number;
  readonly max: number;
  readonly y: QuantizedArray;
};

/** Fixed-point numerics divides the sum of the codes itself when x and y share their qparams. */
export function isQuotient({ numerics, x, y }: AverageParams): boolean {
  return numerics === 'fixed' && x.scale === y.scale && x.zeroPoint === y.zeroPoint;
}

/** Brings `sum - count * zx` to a code: a multiplier of sx / (sy * count). */
export function averageRequantization(p: AverageParams, count: number): Requantization {
  const inputScale = Math.fround(p.x.scale);
  const outputScale = Math.fround(p.y.scale);
  const real =
    p.numerics === 'float'
      ? Math.fround(inputScale / outputScale) / count
      : inputScale / (outputScale * count);
  return requantizationOf(p, [real], { ...p, zeroPoint: p.y.zeroPoint });
}

/**
 * Returns `(sum of the codes, their count) -> code`. With acc = sum - count * zx:
 * - float: `clamp(rne(f32(f32(acc) * m)) + zy)`, m = f32(f32(sx / sy) / count)
 * - fixed, equal qparams: `clamp(round(sum / count))`, ties away from zero (TFLite's AVERAGE_POOL_2D)
 * - fixed, different qparams: the quantized multiplier of sx / (sy * count) applied to acc
 */
export function averager(p: AverageParams): (sum: number, count: number) => number {
  if (isQuotient(p)) {
    return (sum, count) => {
      const half = Math.floor(count / 2);
      return clamp(Math.trunc((sum > 0 ? sum + half : sum - half) / count), p.min, p.max);
    };
  }
  const byCount = new Map<number, Requantization>();
  return (sum, count) => {
    let requant = byCount.get(count);
    if (requant === undefined) byCount.set(count, (requant = averageRequantization(p, count)));
    return applyRequantization(sum - count * p.x.zeroPoint, 0, requant);
  };
}
