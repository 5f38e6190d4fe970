/** Sparsity that grows during training (Zhu & Gupta 2017, "To prune, or not to prune", arXiv:1710.01878, equation 1). */
import { ArgumentError } from '../core/index.js';

/** The sparsity to prune to after a step, counted from 0; null where nothing is pruned. */
export type SparsitySchedule = (step: number) => number | null;

export interface GradualSparsityOptions {
  /** Default 0. */
  readonly initial?: number;
  readonly final: number;
  /** Steps of the first and the last pruning; `begin` is 0 by default. */
  readonly begin?: number;
  readonly end: number;
  /** Steps between two prunings; default 1. The last one is at `end` in any case. */
  readonly every?: number;
}

/**
 * `final + (initial - final) * (1 - (step - begin) / (end - begin))^3`: fast while much is redundant, slow at the end.
 *
 * @throws ArgumentError for shares out of [0, 1) or that fall, and for steps that do not ascend or are not whole
 */
export function gradualSparsity(options: GradualSparsityOptions): SparsitySchedule {
  const { initial = 0, final, begin = 0, end, every = 1 } = options;
  for (const [name, share] of Object.entries({ initial, final }))
    if (!(share >= 0 && share < 1))
      throw new ArgumentError(`${name}: ${share} must be at least 0 and below 1`);
  if (initial > final)
    throw new ArgumentError(
      `initial: ${initial} is above final, ${final}; what is pruned stays so, give less`,
    );
  if (![begin, end, every].every(Number.isInteger) || !(begin >= 0 && end > begin && every >= 1))
    throw new ArgumentError(
      `begin ${begin}, end ${end}, every ${every}: give whole steps with 0 <= begin < end, and every >= 1`,
    );
  return (step) => {
    if (step < begin || step > end || ((step - begin) % every !== 0 && step !== end)) return null;
    return final + (initial - final) * (1 - (step - begin) / (end - begin)) ** 3;
  };
}
