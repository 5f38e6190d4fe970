/** Learning-rate rules: pure functions from the step (0, 1, ...) and the base rate to the rate used in that step. */
import { checkWhole } from '../core/checks.js';
import { ArgumentError } from '../core/index.js';

export type LrRule = (step: number, baseLr: number) => number;

function positive(name: string, value: number): void {
  if (!(value > 0)) throw new ArgumentError(`${name}: ${value} must be > 0`);
}

export function constant(): LrRule {
  return (_, base) => base;
}

/** Times `gamma` (default 0.1) every `stepSize` steps. */
export function stepDecay(options: { stepSize: number; gamma?: number }): LrRule {
  const { stepSize, gamma = 0.1 } = options;
  checkWhole('stepSize', stepSize);
  return (step, base) => base * gamma ** Math.floor(step / stepSize);
}

/** Times `gamma` (default 0.1) at each of the `milestones`. */
export function multiStep(options: { milestones: readonly number[]; gamma?: number }): LrRule {
  const { milestones, gamma = 0.1 } = options;
  return (step, base) => base * gamma ** milestones.filter((m) => m <= step).length;
}

/** Times `gamma` at every step. */
export function exponential(options: { gamma: number }): LrRule {
  positive('gamma', options.gamma);
  return (step, base) => base * options.gamma ** step;
}

/** Half a cosine from the base rate down to `etaMin` in `tMax` steps, and up again beyond (Loshchilov & Hutter 2017). */
export function cosine(options: { tMax: number; etaMin?: number }): LrRule {
  const { tMax, etaMin = 0 } = options;
  checkWhole('tMax', tMax);
  return (step, base) => etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * step) / tMax))) / 2;
}

/** {@link cosine} that starts again after `t0`, then `t0 * tMult`, then `t0 * tMult^2` steps, ... */
export function cosineRestarts(options: { t0: number; tMult?: number; etaMin?: number }): LrRule {
  const { t0, tMult = 1, etaMin = 0 } = options;
  checkWhole('t0', t0);
  checkWhole('tMult', tMult);
  return (step, base) => {
    let t = step;
    let period = t0;
    while (t >= period) {
      t -= period;
      period *= tMult;
    }
    return etaMin + ((base - etaMin) * (1 + Math.cos((Math.PI * t) / period))) / 2;
  };
}

/** From `startFactor * base` (default 1/3) in `totalIters` (default 5) equal steps to `endFactor * base` (default 1). */
export function linearWarmup(
  options: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
): LrRule {
  const { startFactor = 1 / 3, endFactor = 1, totalIters = 5 } = options;
  checkWhole('totalIters', totalIters);
  return (step, base) =>
    base * (startFactor + ((endFactor - startFactor) * Math.min(step, totalIters)) / totalIters);
}

export interface OneCycleOptions {
  maxLr: number;
  /** The number of steps of the whole run. */
  totalSteps: number;
  /** Share of the run spent rising; default 0.3. */
  pctStart?: number;
  anneal?: 'cos' | 'linear';
  /** The run starts at `maxLr / divFactor` (default 25) ... */
  divFactor?: number;
  /** ... and ends at that over `finalDivFactor` (default 1e4). */
  finalDivFactor?: number;
  /** Come down to the start rate in as many steps as the rise took, then to the end; default false. */
  threePhase?: boolean;
}

/** One cycle (Smith & Topin 2018): up to `maxLr`, then down below where it began. The base rate plays no part. */
export function oneCycle(options: OneCycleOptions): LrRule {
  const { maxLr, totalSteps, pctStart = 0.3, anneal = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options;
  positive('maxLr', maxLr);
  checkWhole('totalSteps', totalSteps);
  if (!(pctStart > 0 && pctStart < 1))
    throw new ArgumentError(`pctStart: ${pctStart} must lie between 0 and 1`);
  positive('divFactor', divFactor);
  positive('finalDivFactor', finalDivFactor);
  const initial = maxLr / divFactor;
  const final = initial / finalDivFactor;
  const peak = pctStart * totalSteps - 1;
  const phases = options.threePhase
    ? [
        { end: peak, from: initial, to: maxLr },
        { end: 2 * peak, from: maxLr, to: initial },
        { end: totalSteps - 1, from: initial, to: final },
      ]
    : [
        { end: peak, from: initial, to: maxLr },
        { end: totalSteps - 1, from: maxLr, to: final },
      ];
  return (step) => {
    let begin = 0;
    for (const { end, from, to } of phases) {
      if (step <= end) {
        const t = end > begin ? (step - begin) / (end - begin) : 1;
        return anneal === 'linear'
          ? from + (to - from) * t
          : to + ((from - to) * (1 + Math.cos(Math.PI * t))) / 2;
      }
      begin = end;
    }
    return final;
  };
}

/** `first` for so many steps, then `second`, which counts its steps from 0. */
export function sequence(first: LrRule, steps: number, second: LrRule): LrRule {
  checkWhole('steps', steps);
  return (step, base) => (step < steps ? first(step, base) : second(step - steps, base));
}
