/** Results for a terminal. */
import { formatMilliseconds } from '../../src/cli/report/numbers.js';
import { align } from '../../src/cli/report/table.js';
import type { Change } from '../compare.js';
import { targetTable, type Reached } from '../targets.js';
import type { Peak, Result } from '../types.js';

export function formatPeak(peak: number | null): string {
  return peak === null ? '' : `${(100 * peak).toFixed(0)} %`;
}

export function formatPeaks(peaks: readonly Peak[]): string {
  const rows = peaks.map((p) => [
    p.node,
    p.f32_gops.toFixed(0),
    p.int8_gops.toFixed(0),
    p.bandwidth.toFixed(1),
  ]);
  return align([['the most per thread', 'GFLOP/s', 'INT8 GOP/s', 'GB/s'], ...rows], 1).join('\n');
}

/** The results of one case, fastest first. */
export function formatResults(results: readonly Result[]): string {
  const [{ shape, dtype }] = results;
  const rows = [...results]
    .sort((a, b) => a.median_ms - b.median_ms)
    .map((r) => [
      `  ${r.impl}`,
      r.node ?? 'native',
      formatMilliseconds(r.median_ms),
      `\u00b1 ${formatMilliseconds(r.mad_ms)}`,
      r.gops.toFixed(2),
      formatPeak(r.peak),
      r.verified ? '' : 'WRONG',
    ]);
  const wrong = results.filter((r) => !r.verified);
  return [
    `${shape}, ${dtype}`,
    ...align([['', '', 'ms', 'MAD', 'Gop/s', 'of peak', ''], ...rows], 2),
    ...wrong.map((r) => `  ${r.impl}${r.node === null ? '' : ` in ${r.node}`} is wrong: ${r.note ?? ''}`),
  ].join('\n');
}

/** The targets of which something was measured. */
export function formatTargets(reached: readonly Reached[]): string {
  const names = new Set(reached.filter((r) => r.ratio !== null).map((r) => r.target.name));
  const measured = reached.filter((r) => names.has(r.target.name));
  const { engines, rows } = targetTable(measured);
  return align([['target: times faster', ...engines], ...rows], 1).join('\n');
}

export function formatChanges(changes: readonly Change[]): string {
  const real = changes.filter((c) => c.significant).sort((a, b) => a.speedup - b.speedup);
  const head = `${changes.length} results compared with the earlier run, ${real.length} changed by more than the noise`;
  if (real.length === 0) return head;
  const rows = real.map(({ now, before, speedup }) => [
    `  ${now.shape}, ${now.dtype}`,
    now.impl,
    now.node ?? 'native',
    formatMilliseconds(before.median_ms),
    formatMilliseconds(now.median_ms),
    `${speedup.toFixed(2)} x`,
  ]);
  return [head, ...align([['', '', '', 'before', 'now', 'faster'], ...rows], 3)].join('\n');
}
