/** A training: what is stepped together, and saved together. */
import type { Pruner } from '../../compress/index.js';
import type { DataLoader, Position } from '../../data/index.js';
import type { Recipe } from '../../models/index.js';
import type { Module } from '../../nn/index.js';
import { AdamW, oneCycle, Schedule, type Optimizer } from '../../optim/index.js';
import { qatSchedule, type QuantizedModule } from '../../quant/index.js';
import { fit, type FitOptions, type FitOutcome, type Loss, type Trainable } from '../../train/index.js';

export interface Run {
  readonly model: Trainable;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly loader: DataLoader;
  readonly epochs: number;
  /** Default: cross-entropy. */
  readonly loss?: Loss;
  /** Is stepped after the optimizer. */
  readonly pruner?: Pruner;
  /** Is told the number of each step before it is made, from 0. */
  readonly before?: (step: number) => void;
}

/** Steps that are made before `position`. */
export function stepAt({ loader }: Run, { epoch, batch }: Position): number {
  return epoch * loader.length + batch;
}

/** As the recipe of a model says. */
export function floatRun(
  model: Module,
  loader: DataLoader,
  { recipe, epochs, lr }: { recipe: Recipe; epochs: number; lr: number },
): Run {
  const optimizer = recipe.optimizer(model.parameters());
  const totalSteps = epochs * loader.length;
  const schedule = new Schedule(optimizer, oneCycle({ maxLr: lr, totalSteps, pctStart: recipe.pctStart }));
  return { model, optimizer, schedule, loader, epochs };
}

export interface TuningOptions {
  readonly epochs: number;
  /** The highest rate of the schedule. */
  readonly lr: number;
  readonly loss?: Loss;
  readonly pruner?: Pruner;
}

/**
 * For a network that is trained already: AdamW, one cycle.
 *
 * @param quantizers groups of parameters of `model` with rates of their own
 */
export function tuningRun(
  model: Trainable,
  loader: DataLoader,
  options: TuningOptions,
  quantizers: ReturnType<QuantizedModule['quantizerGroups']> = [],
): Run {
  const { epochs, lr } = options;
  const apart = new Set(quantizers.flatMap(({ params }) => params));
  const weights = [...model.parameters()].filter((p) => !apart.has(p));
  const optimizer = new AdamW([{ params: weights }, ...quantizers], { lr });
  const cycle = oneCycle({ maxLr: lr, totalSteps: epochs * loader.length, pctStart: 0.1 });
  const schedule = new Schedule(optimizer, (step, base) => cycle(step, base) * (base / lr));
  return { ...options, model, optimizer, schedule, loader };
}

export interface QatOptions extends TuningOptions {
  /** What wraps the module, such as a distillation. */
  readonly model?: Trainable;
  /** Share of the steps that train in float. */
  readonly quantizeAt?: number;
}

/** Quantization-aware training of a calibrated module. */
export function qatRun(
  module: QuantizedModule,
  loader: DataLoader,
  { model = module, quantizeAt = 0, ...options }: QatOptions,
): Run {
  const before = qatSchedule(module, { totalSteps: options.epochs * loader.length, quantizeAt });
  return { ...tuningRun(model, loader, options, module.quantizerGroups(options.lr)), before };
}

/** {@link fit}, with all that is stepped beside the optimizer. */
export async function fitRun(
  run: Run,
  options: Pick<FitOptions, 'start' | 'validation' | 'signal' | 'onStep' | 'onEpoch'>,
): Promise<FitOutcome> {
  const { model, optimizer, schedule, loader, epochs, loss, pruner, before } = run;
  let step = stepAt(run, options.start ?? { epoch: 0, batch: 0 });
  before?.(step);
  let kept = pruner?.state();
  const outcome = await fit({
    ...options,
    model,
    optimizer,
    schedule,
    loader,
    epochs,
    loss,
    onStep(event) {
      pruner?.step();
      before?.(++step);
      options.onStep?.(event);
    },
    onEpoch(event) {
      kept = pruner?.state();
      options.onEpoch?.(event);
    },
  });
  // as the weights are, it is back at the last complete epoch
  if (outcome.stopped === 'diverged' && kept !== undefined) pruner?.load(kept);
  return outcome;
}
