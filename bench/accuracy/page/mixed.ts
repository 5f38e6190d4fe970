/** Bits layer by layer: accuracy and bytes, and whether measuring pays. */
import { formatBytes } from '../../../src/cli/report/numbers.js';
import { MODEL_NAMES } from '../../../src/models/index.js';
import { mean } from '../../statistics.js';
import { difference, scores, type Cell } from '../claims.js';
import type { Row } from '../results.js';
import { ENDS, LOSSES, measuredBy, OPERATIONS, UNIFORM, VARIANTS } from '../suites/mixed.js';
import { W4A8 } from '../types.js';
import { formatScores, formatVerdict, table } from './format.js';

const cell = (network: string, variant: string): Cell => ({ suite: 'mixed', network, variant, bits: W4A8 });

function bytes(rows: readonly Row[], { network, variant }: Cell): string {
  const mine = rows.filter(
    (row) => row.suite === 'mixed' && row.network === network && row.variant === variant,
  );
  return formatBytes(mean(mine.map((row) => row.bytes ?? NaN)));
}

export function mixedTables(rows: readonly Row[]): string {
  const measured = VARIANTS.map(({ name }) => [
    name,
    ...MODEL_NAMES.map((network) => {
      const of = cell(network, name);
      return `${formatScores([...scores(rows, of).values()])}, ${bytes(rows, of)}`;
    }),
  ]);
  const claims = [...Object.keys(LOSSES).map((name) => [measuredBy(name), ENDS]), [OPERATIONS, UNIFORM]];
  const judged = claims.map(([better, worse]) => [
    `${better} > ${worse}`,
    ...MODEL_NAMES.map((network) =>
      formatVerdict(difference(rows, cell(network, better), cell(network, worse))),
    ),
  ]);
  return [
    table(['weights', ...MODEL_NAMES], measured),
    table(['Does it beat it?', ...MODEL_NAMES], judged),
  ].join('\n\n');
}
