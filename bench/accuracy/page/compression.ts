/** The tables of the rescaled networks and of pruning, distillation and QAT, with their claims. */
import { formatBytes, formatPercent, formatPoints } from '../../../src/cli/report/numbers.js';
import { mean, median } from '../../statistics.js';
import { difference, scores, type Cell, type Difference } from '../claims.js';
import { latencyKey } from '../latency.js';
import type { Results, Row } from '../results.js';
import { CELLS, DENSE, floatVariant, integerVariant, NETWORK } from '../suites/compression.js';
import { RESCALED_METHODS, RESCALED_NETWORKS } from '../suites/rescaled.js';
import { bitsName, W4A8, W8A8, type Bits } from '../types.js';
import { formatDifference, formatScores, table } from './format.js';

/** A mean loss of at most one point. */
const POINT = 0.01;
const withinAPoint = (of: Difference | null): boolean => of !== null && of.mean >= -POINT;

const floatCell = (network: string, variant = 'float'): Cell => ({
  suite: 'float',
  network,
  variant,
  bits: null,
});

export function rescaledTable(rows: readonly Row[]): string {
  const cell = (network: string, variant: string, bits: Bits | null = W8A8): Cell => ({
    suite: 'rescaled',
    network,
    variant,
    bits,
  });
  const lines = RESCALED_METHODS.map(({ name }) => [
    name,
    ...RESCALED_NETWORKS.flatMap((network) => {
      const lost = difference(rows, cell(network, name), floatCell(network));
      if (lost === null) return ['', ''];
      const verdict = withinAPoint(lost) ? '**yes**' : 'no';
      return [
        formatScores([...scores(rows, cell(network, name)).values()]),
        `${verdict}, ${formatDifference(lost)}`,
      ];
    }),
  ]);
  const float = RESCALED_NETWORKS.flatMap((network) => [
    formatScores([...scores(rows, cell(network, 'float', null)).values()]),
    '',
  ]);
  const head = RESCALED_NETWORKS.flatMap((network) => [network, 'within 1 point of float']);
  return table(['W8A8', ...head], [['rescaled, in float', ...float], ...lines]);
}

interface Size {
  readonly bytes: number;
  readonly gzip: number;
}

function sizeOf(rows: readonly Row[], { suite, variant, bits }: Cell): Size {
  const mine = rows.filter(
    (row) => row.suite === suite && row.variant === variant && bitsName(row.bits) === bitsName(bits),
  );
  return {
    bytes: median(mine.map(({ bytes }) => bytes ?? NaN)),
    gzip: median(mine.map(({ gzip }) => gzip ?? NaN)),
  };
}

const compressed = (variant: string, bits: Bits | null): Cell => ({
  suite: 'compression',
  network: NETWORK,
  variant,
  bits,
});

/** What the float network is measured by: its latency is that of any other dense float network. */
function denseFloat({ rows, latency }: Results) {
  const dense = floatVariant({ prune: false, distil: false });
  return {
    cell: floatCell(NETWORK, DENSE),
    size: sizeOf(rows, compressed(dense, null)),
    ms: latency.find((l) => latencyKey(l) === latencyKey({ variant: dense, bits: null }))!.ms,
  };
}

/** Top-1 of the network before pruning, distillation and QAT. */
export const denseScores = ({ rows }: Results): string =>
  formatScores([...scores(rows, floatCell(NETWORK, DENSE)).values()]);

export function compressionTables(results: Results): string {
  const { rows, latency } = results;
  const dense = denseFloat(results);
  const line = (names: readonly string[], variant: string, bits: Bits | null): string[] => {
    const cell = compressed(variant, bits);
    const size = sizeOf(rows, cell);
    const { ms } = latency.find((l) => latencyKey(l) === latencyKey({ variant, bits }))!;
    const lost = difference(rows, cell, dense.cell);
    return [
      ...names,
      formatScores([...scores(rows, cell).values()]),
      lost === null ? '' : formatDifference(lost),
      formatBytes(size.bytes),
      formatBytes(size.gzip),
      `1/${(dense.size.bytes / size.bytes).toFixed(1)}`,
      `${(dense.ms / ms).toFixed(2)}x`,
    ];
  };
  const yes = (on: boolean): string => (on ? 'yes' : '');
  const head = ['prune', 'distil', 'QAT', 'top-1', 'to float', 'bytes', 'gzip', 'of float', 'speed'];
  const part = (bits: Bits): string =>
    `### ${bitsName(bits)}\n\n${table(
      head,
      CELLS.map((cell) =>
        line([yes(cell.prune), yes(cell.distil), yes(cell.qat)], integerVariant(cell), bits),
      ),
      3,
    )}`;
  const floats = CELLS.filter(({ qat }) => !qat).map((cell) =>
    line([yes(cell.prune), yes(cell.distil), ''], floatVariant(cell), null),
  );
  return [`### In float\n\n${table(head, floats, 3)}`, part(W8A8), part(W4A8), claims(results)].join('\n\n');
}

/** Half of the channels, taught, trained with quantization: three claims for each width. */
function claims(results: Results): string {
  const { rows, latency } = results;
  const dense = denseFloat(results);
  const variant = integerVariant({ prune: true, distil: true, qat: true });
  const lines = [W8A8, W4A8].flatMap((bits) => {
    const cell = compressed(variant, bits);
    const lost = difference(rows, cell, dense.cell)!;
    const share = sizeOf(rows, cell).bytes / dense.size.bytes;
    const { ms } = latency.find((l) => latencyKey(l) === latencyKey({ variant, bits }))!;
    const say = (holds: boolean): string => (holds ? '**yes**' : 'no');
    const name = bitsName(bits);
    return [
      [`${name}: within 1 point of dense float`, say(withinAPoint(lost)), `${formatDifference(lost)} points`],
      [`${name}: at most 1/6 of its bytes`, say(share <= 1 / 6), `1/${(1 / share).toFixed(1)}`],
      [`${name}: faster than dense float`, say(ms < dense.ms), `${(dense.ms / ms).toFixed(2)}x`],
    ];
  });
  const worst = Math.min(...[...scores(rows, compressed(variant, W8A8)).values()]);
  const best = mean([...scores(rows, dense.cell).values()]);
  return [
    '### Half of the channels, distilled, with QAT',
    table(['claim', 'holds', 'measured'], lines, 2),
    `The worst seed at W8A8 has ${formatPercent(worst)}, ${formatPoints(worst - best)} to the mean of dense float.`,
  ].join('\n\n');
}
