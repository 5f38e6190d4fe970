/** What each engine reaches in the probes. */
import type { Started } from './contenders.js';
import { measureCase, type Effort } from './measure.js';
import { probeOps } from './ours/probe.js';
import type { Dtype, Peak, PeakCase, Result } from './types.js';

function probeCase(probe: PeakCase['probe'], revectorize: boolean): PeakCase {
  const ops = probeOps(probe, revectorize);
  return { suite: 'gemm', shape: probe, dtype: 'f32', ops, bytes: ops, kind: 'peak', probe };
}

/** One of our processes stands for each engine: the last, which has the most features switched on. */
export async function measurePeaks(started: readonly Started[], effort: Effort): Promise<Peak[]> {
  const ours = started.filter(
    ({ contender, client }) => contender.impl.startsWith('octograd') && client.threads === 1,
  );
  const byEngine = new Map(ours.map((one) => [one.contender.engine!.name, one]));
  const peaks: Peak[] = [];
  for (const [node, one] of byEngine) {
    const reach = async (probe: PeakCase['probe']): Promise<number> => {
      const { results } = await measureCase(
        probeCase(probe, one.contender.engine!.revectorize),
        [one],
        effort,
      );
      return results[0]?.gops ?? 0;
    };
    peaks.push({
      node,
      f32_gops: await reach('f32'),
      int8_gops: await reach('int8'),
      bandwidth: await reach('bandwidth'),
    });
  }
  return peaks;
}

/** Operations per nanosecond at most for these operands, per thread. */
export function peakOf(peak: Peak, dtype: Dtype): number {
  return dtype === 'f32' ? peak.f32_gops : peak.int8_gops;
}

export function withPeak(result: Result, peaks: readonly Peak[]): Result {
  const own = peaks.find((p) => p.node === result.node);
  const most = own === undefined ? 0 : peakOf(own, result.dtype) * result.threads;
  return most > 0 ? { ...result, peak: result.gops / most } : result;
}
