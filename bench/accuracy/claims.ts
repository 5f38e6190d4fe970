/** What methods claim, and whether the measurements bear it out. */
import { mean, standardDeviation } from '../statistics.js';
import type { Row } from './results.js';
import { bitsName, type Bits } from './types.js';

/** What is measured once for each seed. */
export interface Cell {
  readonly suite: string;
  readonly network: string;
  readonly variant: string;
  readonly bits: Bits | null;
}

/** Top-1 by seed. */
export function scores(rows: readonly Row[], cell: Cell): Map<number, number> {
  const mine = rows.filter(
    (row) =>
      row.suite === cell.suite &&
      row.network === cell.network &&
      row.variant === cell.variant &&
      bitsName(row.bits) === bitsName(cell.bits),
  );
  return new Map(mine.flatMap(({ seed, top1 }) => (top1 === null ? [] : [[seed, top1]])));
}

export interface Difference {
  /** Of the seeds that have both. */
  readonly mean: number;
  readonly deviation: number;
  readonly seeds: number;
}

/** a - b over paired seeds; null where no seed has both. */
export function difference(rows: readonly Row[], a: Cell, b: Cell): Difference | null {
  const [of, other] = [scores(rows, a), scores(rows, b)];
  const pairs = [...of].flatMap(([seed, top1]) => (other.has(seed) ? [top1 - other.get(seed)!] : []));
  if (pairs.length === 0) return null;
  return { mean: mean(pairs), deviation: standardDeviation(pairs), seeds: pairs.length };
}

/**
 * 'yes': better by more than the standard deviation of the difference. 'worse': worse by more than that. 'no': neither. One
 * seed has no deviation and shows nothing.
 */
export type Verdict = 'yes' | 'no' | 'worse';

export function judge({ mean, deviation, seeds }: Difference): Verdict {
  if (seeds < 2 || Math.abs(mean) <= deviation) return 'no';
  return mean > 0 ? 'yes' : 'worse';
}

/** What each method claims to beat. */
export const PTQ_CLAIMS: readonly (readonly [better: string, worse: string])[] = [
  ['per-channel', 'per-tensor'],
  ['per-tensor, equalization', 'per-tensor'],
  ['per-tensor, equalization, bias absorption', 'per-tensor, equalization'],
  ['per-tensor, batch-norm re-estimation', 'per-tensor'],
  ['per-tensor, bias correction', 'per-tensor'],
  ['per-tensor, equalization, bias correction', 'per-tensor, equalization'],
  ['per-channel, batch-norm re-estimation', 'per-channel'],
  ['per-channel, bias correction', 'per-channel'],
  ['per-channel, AdaRound', 'per-channel'],
];

export const QAT_CLAIMS: readonly (readonly [better: string, worse: string])[] = [
  ['QAT min-max', 'per-channel'],
  ['QAT min-max', 'per-channel, AdaRound'],
  ['QAT LSQ', 'QAT min-max'],
  ['QAT LSQ+', 'QAT LSQ'],
  ['QAT PACT', 'QAT min-max'],
  ['QAT DoReFa', 'QAT min-max'],
  ['QAT min-max, delayed by a quarter', 'QAT min-max'],
  ['QAT min-max', 'QAT min-max, batch norm live'],
  ['QAT min-max, batch norm live, re-estimated', 'QAT min-max, batch norm live'],
];

export const OBSERVER_CLAIMS: readonly (readonly [better: string, worse: string])[] = [
  ['percentile', 'min-max'],
  ['MSE', 'min-max'],
  ['entropy', 'min-max'],
];
