/** Where INT8 is slower than FP32, and why: in sentences made of what was measured. */
import { peakOf } from './peaks.js';
import type { Peak, Result } from './types.js';

export interface Pair {
  readonly float: Result;
  readonly int8: Result;
}

/** Float and integer results of one shape and implementation, u8s8 before others. */
export function pairs(results: readonly Result[]): Pair[] {
  return results
    .filter((r) => r.dtype === 'f32')
    .flatMap((float) => {
      const same = results.filter(
        (r) =>
          r.shape === float.shape &&
          r.suite === float.suite &&
          r.impl === float.impl &&
          r.node === float.node,
      );
      const int8 = same.find((r) => r.dtype === 'u8s8') ?? same.find((r) => r.dtype === 's8s8');
      return int8 === undefined ? [] : [{ float, int8 }];
    });
}

/** How much faster INT8 is; below 1 it is slower. */
export function ratio({ float, int8 }: Pair): number {
  return float.median_ms / int8.median_ms;
}

/** Beyond the noise of both. */
export function isSlower(pair: Pair): boolean {
  const { float, int8 } = pair;
  return int8.median_ms - int8.mad_ms > float.median_ms + float.mad_ms;
}

/** Requantization is worth naming from this share of the time on. */
const NOTABLE_SHARE = 0.15;

/**
 * @param sumsMs milliseconds of the same integer kernel that leaves int32 sums, where that could be measured
 */
export function explain(pair: Pair, peak: Peak | undefined, sumsMs: number | null): string {
  const { float, int8 } = pair;
  const reasons: string[] = [];
  if (sumsMs !== null) {
    const share = 1 - sumsMs / int8.median_ms;
    if (share >= NOTABLE_SHARE)
      reasons.push(
        `requantization takes ${(100 * share).toFixed(0)} % of its time (${sumsMs.toFixed(3)} ms without)`,
      );
  }
  if (peak !== undefined) {
    // The time that moving the bytes, and doing the operations at the peak, would take.
    for (const r of [int8, float]) {
      const memory = r.bytes / (peak.bandwidth * 1e6);
      const compute = r.ops / (peakOf(peak, r.dtype) * 1e6);
      const bound = memory > compute ? 'memory' : 'arithmetic';
      const share = Math.max(memory, compute) / r.median_ms;
      reasons.push(
        `${r === float ? 'FP32' : 'INT8'} is at ${(100 * share).toPrecision(2)} % of its bound, which is ${bound}`,
      );
    }
  }
  if (float.kernel !== undefined && int8.kernel !== undefined)
    reasons.push(`kernels: ${float.kernel} against ${int8.kernel}`);
  const where = int8.node === null ? '' : ` in ${int8.node}`;
  return `${int8.shape}, ${int8.impl}${where}: INT8 takes ${(1 / ratio(pair)).toFixed(2)} times as long as FP32; ${reasons.join('; ')}.`;
}
