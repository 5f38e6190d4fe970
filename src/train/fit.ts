/** The training loop: steps, events, validation, a stop signal, and a way back when the loss is no longer finite. */
import type { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { formatShape, type NDArray } from '../core/index.js';
import type { Batch, Position } from '../data/index.js';
import { clipGradNorm, clipGradValue, type OptimizerState, type ScheduleState } from '../optim/index.js';
import { local } from '../ops/backend.js';
import { crossEntropy, tidy } from '../ops/index.js';
import { evaluate } from './evaluate.js';
import { countCorrect, Totals } from './metrics.js';
import { Pauser } from './pause.js';
import type {
  BatchSource,
  EpochEvent,
  FitOutcome,
  Loss,
  StepEvent,
  StepOptimizer,
  StepSchedule,
  StopSignal,
  Trainable,
} from './types.js';

export interface FitOptions<Output = Tensor> {
  readonly model: Trainable<Output>;
  readonly optimizer: StepOptimizer;
  readonly loader: BatchSource;
  /** Of the whole run, also when it is resumed. */
  readonly epochs: number;
  /** Default: cross-entropy of class scores [N, C] and classes [N]. */
  readonly loss?: Loss<Output> | undefined;
  /** Stepped after every step of the optimizer. */
  readonly schedule?: StepSchedule | undefined;
  /** Evaluated at the end of every epoch. */
  readonly validation?: BatchSource | undefined;
  /** Limits the norm of all gradients together, or each gradient. */
  readonly clip?: { readonly norm?: number; readonly value?: number } | undefined;
  /** Where to begin: the `position` that an earlier run returned. Default: the first batch. */
  readonly start?: Position | undefined;
  /** When it is aborted, the run ends after the current step. An AbortSignal will do. */
  readonly signal?: StopSignal | undefined;
  readonly onStep?: ((event: StepEvent) => void) | undefined;
  readonly onEpoch?: ((event: EpochEvent) => void) | undefined;
}

interface Snapshot {
  readonly position: Position;
  readonly model: ReadonlyMap<string, NDArray>;
  readonly extra: object | null;
  readonly optimizer: OptimizerState;
  readonly schedule: ScheduleState | null;
}

/**
 * Trains the model in place. With the same model, loader and options two runs give the same bits; so does a run that is
 * stopped and resumed from the saved states of model, optimizer and schedule at `start`.
 *
 * A loss or weight that is not finite ends the run: everything is put back to the last complete epoch (or the beginning)
 * and the outcome says so. Throws ArgumentError for options out of range.
 */
export async function fit<Output = Tensor>(options: FitOptions<Output>): Promise<FitOutcome> {
  const { model, epochs, start = { epoch: 0, batch: 0 } } = options;
  checkWhole('epochs', epochs);
  const { training } = model;
  model.train();
  try {
    return await new Run(options).from(start);
  } finally {
    model.train(training);
  }
}

class Run<Output> {
  readonly #options: FitOptions<Output>;
  readonly #history: EpochEvent[] = [];
  readonly #pauser = new Pauser();
  #good: Snapshot | null = null;
  #computing = 0;
  #images = 0;

  constructor(options: FitOptions<Output>) {
    this.#options = options;
  }

  async from(start: Position): Promise<FitOutcome> {
    const { epochs, loader, signal } = this.#options;
    this.#keep(start);
    for (let { epoch, batch } = start; epoch < epochs; epoch++, batch = 0) {
      const totals = new Totals();
      const began = performance.now();
      for (const data of loader.batches({ epoch, batch })) {
        const loss = this.#step(data, { epoch, batch }, totals);
        if (!Number.isFinite(loss)) return this.#diverged({ epoch, batch }, `the loss is ${loss}`);
        batch++;
        await this.#pauser.pause();
        if (signal?.aborted && batch < loader.length) return this.#aborted({ epoch, batch });
      }
      const next = { epoch: epoch + 1, batch: 0 };
      const bad = nonFinite(this.#options.model);
      if (bad !== null) return this.#diverged({ epoch, batch: batch - 1 }, bad);
      this.#keep(next);
      await this.#endOfEpoch(epoch, totals, began);
      if (signal?.aborted && next.epoch < epochs) return this.#aborted(next);
    }
    return { stopped: 'finished', position: { epoch: epochs, batch: 0 }, history: this.#history };
  }

  #step(data: Batch, at: Position, totals: Totals): number {
    const { model, optimizer, schedule, clip, loader, epochs, onStep } = this.#options;
    const began = performance.now();
    const lr = optimizer.groups[0].lr;
    optimizer.zeroGrad();
    const { loss, correct } = tidy(() => this.#gradients(data));
    if (!Number.isFinite(loss)) return loss;
    if (clip?.value !== undefined) clipGradValue(model.parameters(), clip.value);
    const gradNorm = clip?.norm === undefined ? null : clipGradNorm(model.parameters(), clip.norm);
    optimizer.step();
    schedule?.step();
    totals.add(loss, correct, data.size);
    this.#computing += (performance.now() - began) / 1000;
    this.#images += data.size;
    const imagesPerSecond = this.#images / this.#computing;
    const batchesLeft = (epochs - at.epoch) * loader.length - at.batch - 1;
    onStep?.({
      ...at,
      epochs,
      batches: loader.length,
      loss,
      accuracy: totals.accuracy,
      lr,
      gradNorm,
      imagesPerSecond,
      secondsLeft: (batchesLeft * loader.imageCount) / loader.length / imagesPerSecond,
    });
    return loss;
  }

  /** Adds to the gradients of the parameters, where the loss is finite. */
  #gradients({ inputs, targets }: Batch): { loss: number; correct: number | null } {
    const { model, loss: lossOf = crossEntropy as Loss<Output> } = this.#options;
    const output = forward(model, local(inputs));
    if (output === null) return { loss: NaN, correct: null };
    const lossTensor = lossOf(output, targets);
    const loss = lossTensor.item();
    if (Number.isFinite(loss)) lossTensor.backward();
    return { loss, correct: countCorrect(output, targets) };
  }

  async #endOfEpoch(epoch: number, totals: Totals, began: number): Promise<void> {
    const { model, validation, loss, signal, epochs, onEpoch } = this.#options;
    const seconds = (performance.now() - began) / 1000;
    const checked =
      validation && !signal?.aborted ? await evaluate({ model, loader: validation, loss, signal }) : null;
    const event = {
      epoch,
      epochs,
      loss: totals.loss,
      accuracy: totals.accuracy,
      // A stopped evaluation covers part of the set: no number is better than a wrong one.
      validation: signal?.aborted ? null : checked,
      seconds,
    };
    this.#history.push(event);
    onEpoch?.(event);
  }

  #keep(position: Position): void {
    const { model, optimizer, schedule } = this.#options;
    this.#good = {
      position,
      model: model.stateDict(),
      extra: model.extraState?.() ?? null,
      optimizer: optimizer.state(),
      schedule: schedule?.state() ?? null,
    };
  }

  #aborted(position: Position): FitOutcome {
    const bad = nonFinite(this.#options.model);
    if (bad !== null) return this.#diverged(position, bad);
    return { stopped: 'aborted', position, history: this.#history };
  }

  #diverged(at: Position, what: string): FitOutcome {
    const { model, optimizer, schedule } = this.#options;
    const good = this.#good!;
    model.loadStateDict(good.model);
    if (good.extra !== null) model.loadExtraState?.(good.extra);
    optimizer.zeroGrad();
    optimizer.load(good.optimizer);
    if (good.schedule !== null) schedule?.load(good.schedule);
    return {
      stopped: 'diverged',
      position: good.position,
      at,
      history: this.#history,
      message: `training diverged in epoch ${at.epoch + 1}, batch ${at.batch + 1}: ${what}; the model is back at the ${
        good.position.batch === 0 ? `start of epoch ${good.position.epoch + 1}` : 'point where this run began'
      }; use a smaller learning rate, a warm-up or gradient clipping`,
    };
  }
}

/** Null where the model cannot compute with weights that are not finite: the observers of QAT refuse them. */
function forward<Output>(model: Trainable<Output>, inputs: Tensor): Output | null {
  try {
    return model.forward(inputs);
  } catch (error) {
    if (nonFinite(model) === null) throw error;
    return null;
  }
}

/** Describes a parameter that holds NaN or an infinity. */
function nonFinite(model: Pick<Trainable, 'parameters'>): string | null {
  for (const { data, shape } of model.parameters())
    for (let i = 0; i < data.length; i++)
      if (!Number.isFinite(data[i])) return `a parameter of shape ${formatShape(shape)} holds ${data[i]}`;
  return null;
}
