/** What drives the learning rate of an optimizer: a rule over steps, or the lack of progress of a metric. */
import { ArgumentError } from '../core/index.js';
import type { Optimizer } from './optimizer.js';
import type { LrRule } from './rules.js';

/** The part of an optimizer that a schedule touches. */
export type ScheduledOptimizer = Pick<Optimizer, 'groups'>;

export interface ScheduleState {
  readonly step: number;
  readonly baseLrs: readonly number[];
}

/**
 * Sets the rate of every group to `rule(step, base rate of the group)`: for step 0 at once, then after every
 * {@link step}, to be called once after each `optimizer.step()`.
 */
export class Schedule {
  #step = 0;
  #baseLrs: number[];

  constructor(
    readonly optimizer: ScheduledOptimizer,
    readonly rule: LrRule,
  ) {
    this.#baseLrs = optimizer.groups.map((g) => g.lr);
    this.#apply();
  }

  /** The rate of the first group. */
  get lr(): number {
    return this.optimizer.groups[0].lr;
  }

  step(): void {
    this.#step++;
    this.#apply();
  }

  state(): ScheduleState {
    return { step: this.#step, baseLrs: [...this.#baseLrs] };
  }

  /** Throws ArgumentError when the state is of an optimizer with another number of groups. */
  load(state: ScheduleState): void {
    if (state.baseLrs.length !== this.#baseLrs.length)
      throw new ArgumentError(
        `state: it has ${state.baseLrs.length} parameter groups, the optimizer ${this.#baseLrs.length}`,
      );
    this.#step = state.step;
    this.#baseLrs = [...state.baseLrs];
    this.#apply();
  }

  #apply(): void {
    this.optimizer.groups.forEach((g, i) => {
      g.lr = this.rule(this.#step, this.#baseLrs[i]);
    });
  }
}

export interface PlateauOptions {
  /** Is a smaller metric better ('min', default), or a larger one? */
  mode?: 'min' | 'max';
  /** The rate is multiplied by it; default 0.1. */
  factor?: number;
  /** So many calls without progress are tolerated; default 10. */
  patience?: number;
  /** Progress must exceed this, relative to the best value or absolute; default 1e-4, 'rel'. */
  threshold?: number;
  thresholdMode?: 'rel' | 'abs';
  /** So many calls after a reduction are not counted; default 0. */
  cooldown?: number;
  minLr?: number;
}

export interface PlateauState {
  /** null before the first call: JSON has no Infinity. */
  readonly best: number | null;
  readonly bad: number;
  readonly cooling: number;
}

/** Lowers the rate when a metric, given to {@link step} once per epoch, stops improving (PyTorch's rules). */
export class ReduceOnPlateau {
  readonly #options: Required<PlateauOptions>;
  #best: number | null = null;
  #bad = 0;
  #cooling = 0;

  constructor(
    readonly optimizer: ScheduledOptimizer,
    options: PlateauOptions = {},
  ) {
    this.#options = {
      mode: 'min',
      factor: 0.1,
      patience: 10,
      threshold: 1e-4,
      thresholdMode: 'rel',
      cooldown: 0,
      minLr: 0,
      ...options,
    };
    const { factor } = this.#options;
    if (!(factor > 0 && factor < 1)) throw new ArgumentError(`factor: ${factor} must lie between 0 and 1`);
  }

  step(metric: number): void {
    const { patience, cooldown, factor, minLr } = this.#options;
    if (this.#improves(metric)) {
      this.#best = metric;
      this.#bad = 0;
    } else this.#bad++;
    if (this.#cooling > 0) {
      this.#cooling--;
      this.#bad = 0;
    }
    if (this.#bad > patience) {
      for (const g of this.optimizer.groups) g.lr = Math.max(g.lr * factor, minLr);
      this.#cooling = cooldown;
      this.#bad = 0;
    }
  }

  /** Goes with the state of the optimizer, which holds the rate itself. */
  state(): PlateauState {
    return { best: this.#best, bad: this.#bad, cooling: this.#cooling };
  }

  load(state: PlateauState): void {
    this.#best = state.best;
    this.#bad = state.bad;
    this.#cooling = state.cooling;
  }

  #improves(metric: number): boolean {
    if (this.#best === null) return !Number.isNaN(metric);
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const bar = thresholdMode === 'rel' ? this.#best * (1 + sign * threshold) : this.#best + sign * threshold;
    return mode === 'min' ? metric < bar : metric > bar;
  }
}
