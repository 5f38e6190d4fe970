/** When, in a QAT run, observers and batch norm stop moving. */
import { ArgumentError } from '../core/index.js';
import type { QuantizedModule } from './quantizedModule.js';

export interface QatSchedule {
  /** Steps of the whole run. */
  totalSteps: number;
  /** Fraction of the run after which batch norm is folded with its running statistics. Default 0.5. */
  freezeBatchNormAt?: number;
  /** Fraction of the run after which the ranges are fixed. Default 0.75. */
  freezeObserversAt?: number;
}

/**
 * Starts QAT (phase 'train', live batch norm) and returns a function to call before each step with its number, from 0.
 * With both frozen the network trains on exactly the codes of the runtime (Krishnamoorthi 2018, section 3.2.2: freezing
 * batch norm late in training avoids the jump between training and inference).
 */
export function qatSchedule(module: QuantizedModule, schedule: QatSchedule): (step: number) => void {
  const { totalSteps, freezeBatchNormAt = 0.5, freezeObserversAt = 0.75 } = schedule;
  if (!Number.isInteger(totalSteps) || totalSteps < 1)
    throw new ArgumentError(`totalSteps: ${totalSteps} must be a whole number >= 1`);
  for (const [name, v] of Object.entries({ freezeBatchNormAt, freezeObserversAt }))
    if (!(v >= 0 && v <= 1)) throw new ArgumentError(`${name}: ${v} must be a fraction of the run, 0 to 1`);
  module.phase = 'train';
  module.batchNorm = 'live';
  return (step) => {
    if (step >= freezeBatchNormAt * totalSteps) module.batchNorm = 'frozen';
    // ranges need one batch at least
    if (step >= freezeObserversAt * totalSteps && step > 0 && module.phase === 'train')
      module.phase = 'frozen';
  };
}
