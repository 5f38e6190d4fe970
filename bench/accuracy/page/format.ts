/** Numbers and tables as the page shows them. */
import { formatPoints } from '../../../src/cli/report/numbers.js';
import { mean, standardDeviation } from '../../statistics.js';
import { judge, type Difference } from '../claims.js';

/** A table of Markdown; text columns left, the others right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i < textColumns ? '---' : '--:'));
  return [head, rule, ...rows].map(line).join('\n');
}

/** 0.9123 and more -> `91.23 ± 0.12`, in percent. */
export function formatScores(scores: readonly number[]): string {
  if (scores.length === 0) return '';
  const text = (100 * mean(scores)).toFixed(2);
  return scores.length < 2 ? text : `${text} ± ${(100 * standardDeviation(scores)).toFixed(2)}`;
}

/** In points: `+1.20 ± 0.30`. */
export function formatDifference({ mean: middle, deviation, seeds }: Difference): string {
  return `${formatPoints(middle)}${seeds < 2 ? '' : ` ± ${(100 * deviation).toFixed(2)}`}`;
}

/** `**yes**, +1.20 ± 0.30`; no verdict where there is one seed, nothing where nothing was measured. */
export function formatVerdict(of: Difference | null): string {
  if (of === null) return '';
  if (of.seeds < 2) return formatDifference(of);
  const verdict = judge(of);
  return `${verdict === 'yes' ? '**yes**' : verdict}, ${formatDifference(of)}`;
}
