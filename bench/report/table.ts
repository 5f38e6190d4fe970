/** Results for a terminal. */
import { formatMilliseconds } from '../../src/cli/report/numbers.js';
import type { Result } from '../types.js';

/** Text columns flush left, the others flush right; two spaces between. */
export function align(rows: readonly (readonly string[])[], textColumns: number): string[] {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((r) => r[c].length)));
  return rows.map((r) =>
    r
      .map((cell, c) => (c < textColumns ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
      .join('  ')
      .trimEnd(),
  );
}

export function formatPeak(peak: number | null): string {
  return peak === null ? '' : `${(100 * peak).toFixed(0)} %`;
}

/** The results of one case, fastest first. */
export function formatResults(results: readonly Result[]): string {
  const [{ shape, dtype }] = results;
  const rows = [...results]
    .sort((a, b) => a.median_ms - b.median_ms)
    .map((r) => [
      `  ${r.impl}`,
      r.node ?? '',
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
