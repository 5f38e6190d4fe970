/** Methods on networks: accuracies, and which of them beat what they claim to beat. */
import { MODEL_NAMES } from '../../../src/models/index.js';
import { difference, OBSERVER_CLAIMS, PTQ_CLAIMS, QAT_CLAIMS, scores, type Cell } from '../claims.js';
import { OBSERVERS, PTQ, QAT, QAT_WAYS, type Method } from '../methods.js';
import type { Row } from '../results.js';
import { bitsName, W2A4, W4A4, W4A8, W8A8, type Bits } from '../types.js';
import { formatDifference, formatScores, formatVerdict, table } from './format.js';

const COLUMNS: readonly Bits[] = [W8A8, W4A8, W4A4, W2A4];

const floatCell = (network: string): Cell => ({ suite: 'float', network, variant: 'float', bits: null });

/** `90.12 ± 0.20 (−0.45)`: the last is the difference to float. */
function accuracy(rows: readonly Row[], cell: Cell): string {
  const lost = difference(rows, cell, floatCell(cell.network));
  if (lost === null) return '';
  const [points] = formatDifference(lost).split(' ');
  return `${formatScores([...scores(rows, cell).values()])} (${points})`;
}

export function networkTables(rows: readonly Row[]): string {
  return MODEL_NAMES.map((network) => {
    const line = ({ name }: Method): string[] => [
      name,
      ...COLUMNS.map((bits) => accuracy(rows, { suite: 'networks', network, variant: name, bits })),
    ];
    const float = formatScores([...scores(rows, floatCell(network)).values()]);
    const head = [`${network}, float ${float}`, ...COLUMNS.map(bitsName)];
    return `### ${network}\n\n${table(head, [...PTQ, ...QAT, ...QAT_WAYS].map(line))}`;
  }).join('\n\n');
}

export function claimTables(rows: readonly Row[]): string {
  const at = (bits: Bits, claims: typeof PTQ_CLAIMS): string => {
    const lines = claims.map(([better, worse]) => {
      const judged = MODEL_NAMES.map((network) => {
        const cell = (variant: string): Cell => ({ suite: 'networks', network, variant, bits });
        return formatVerdict(difference(rows, cell(better), cell(worse)));
      });
      return [`${better} > ${worse}`, ...judged];
    });
    return `### ${bitsName(bits)}\n\n${table([`Does it beat it?`, ...MODEL_NAMES], lines)}`;
  };
  const trained = QAT_CLAIMS.filter(([, worse]) => worse.startsWith('QAT'));
  return [
    at(W4A8, [...PTQ_CLAIMS, ...QAT_CLAIMS]),
    at(W4A4, [...PTQ_CLAIMS, ...QAT_CLAIMS]),
    at(W2A4, trained),
  ].join('\n\n');
}

export function observerTables(rows: readonly Row[]): string {
  const cell = (network: string, variant: string): Cell => ({
    suite: 'observers',
    network,
    variant,
    bits: W4A4,
  });
  const measured = OBSERVERS.map(({ name }) => [
    name,
    ...MODEL_NAMES.map((network) => accuracy(rows, cell(network, name))),
  ]);
  const judged = OBSERVER_CLAIMS.map(([better, worse]) => [
    `${better} > ${worse}`,
    ...MODEL_NAMES.map((network) =>
      formatVerdict(difference(rows, cell(network, better), cell(network, worse))),
    ),
  ]);
  return [
    table(['observer', ...MODEL_NAMES], measured),
    table(['Does it beat it?', ...MODEL_NAMES], judged),
  ].join('\n\n');
}
