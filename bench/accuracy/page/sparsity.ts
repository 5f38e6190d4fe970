/** Single weights pruned: accuracy, zeros that arrive in the integers, bytes before and after gzip. */
import { formatBytes, formatPercent } from '../../../src/cli/report/numbers.js';
import { mean } from '../../statistics.js';
import { difference, scores, type Cell } from '../claims.js';
import type { Row } from '../results.js';
import { atOnce, DENSE, gradual, NETWORK, SHARES } from '../suites/sparsity.js';
import { W8A8 } from '../types.js';
import { formatDifference, formatScores, formatVerdict, table } from './format.js';

const cell = (variant: string): Cell => ({ suite: 'sparsity', network: NETWORK, variant, bits: W8A8 });

export function sparsityTables(rows: readonly Row[]): string {
  const line = (variant: string): string[] => {
    const mine = rows.filter((row) => row.suite === 'sparsity' && row.variant === variant);
    const of = (figure: (row: Row) => number): number => mean(mine.map(figure));
    const lost = difference(rows, cell(variant), cell(DENSE));
    return [
      variant,
      formatScores([...scores(rows, cell(variant)).values()]),
      variant === DENSE || lost === null ? '' : formatDifference(lost),
      formatPercent(of(({ figures }) => figures.zeroCodes)),
      formatBytes(of(({ bytes }) => bytes ?? NaN)),
      formatBytes(of(({ gzip }) => gzip ?? NaN)),
    ];
  };
  const head = ['pruned', 'top-1', 'to dense', 'codes that are 0', 'bytes', 'gzip'];
  const judged = SHARES.map((share) => [
    `${gradual(share)} > ${atOnce(share)}`,
    formatVerdict(difference(rows, cell(gradual(share)), cell(atOnce(share)))),
  ]);
  return [
    table(head, [DENSE, ...SHARES.flatMap((share) => [atOnce(share), gradual(share)])].map(line)),
    table(['Does it beat it?', NETWORK], judged),
  ].join('\n\n');
}
