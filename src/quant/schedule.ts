/** When, in a QAT run, quantization begins, and observers and batch norm stop moving. */
import { ArgumentError } from '../core/index.js';
import type { QuantizedModule } from './quantizedModule.js';

export interface QatSchedule {
  /** Steps of the whole run. */
  totalSteps: number;
  /**
   * Fraction of the run that trains in float. Default 0. Then quantization begins: ranges are those of the batches from there
   * on, and what was observed before is forgotten, since weights have moved.
   */
  quantizeAt?: number;
  /** Fraction of the run after which batch norm is folded with its running statistics. Default: half of what is quantized. */
  freezeBatchNormAt?: number;
  /** Fraction of the run after which the ranges are fixed. Default: three quarters of what is quantized. */
  freezeObserversAt?: number;
}

/**
 * Starts QAT (phase 'train', or 'off' until quantization begins; live batch norm) and returns a function to call before each step
 * with its number, from 0. With both frozen the network trains on exactly the codes of the runtime. Freezing batch norm late in
 * training avoids the jump between training and inference (Krishnamoorthi 2018, arXiv:1806.08342, section 3.2.2); delayed
 * quantization lets a network that is not trained yet settle first (Jacob et al. 2018, arXiv:1712.05877, section 3.1).
 *
 * @throws ArgumentError for fractions that are none, and for one that freezes before quantization begins
 */
export function qatSchedule(module: QuantizedModule, schedule: QatSchedule): (step: number) => void {
  const { totalSteps, quantizeAt = 0 } = schedule;
  const quantized = 1 - quantizeAt;
  const { freezeBatchNormAt = quantizeAt + 0.5 * quantized } = schedule;
  const { freezeObserversAt = quantizeAt + 0.75 * quantized } = schedule;
  if (!Number.isInteger(totalSteps) || totalSteps < 1)
    throw new ArgumentError(`totalSteps: ${totalSteps} must be a whole number >= 1`);
  for (const [name, v] of Object.entries({ quantizeAt, freezeBatchNormAt, freezeObserversAt })) {
    if (!(v >= 0 && v <= 1)) throw new ArgumentError(`${name}: ${v} must be a fraction of the run, 0 to 1`);
    if (v < quantizeAt)
      throw new ArgumentError(`${name}: ${v} is before quantization begins, at ${quantizeAt}; give no less`);
  }
  const begin = Math.ceil(quantizeAt * totalSteps);
  if (begin === totalSteps)
    throw new ArgumentError(
      `quantizeAt: ${quantizeAt} leaves no step of ${totalSteps} to train with quantization; give less`,
    );
  module.phase = begin > 0 ? 'off' : 'train';
  module.batchNorm = 'live';
  return (step) => {
    if (step >= begin && module.phase === 'off') {
      module.resetObservers();
      module.phase = 'train';
    }
    if (step >= freezeBatchNormAt * totalSteps) module.batchNorm = 'frozen';
    // ranges need one batch at least
    if (step >= freezeObserversAt * totalSteps && step > begin && module.phase === 'train')
      module.phase = 'frozen';
  };
}
