/** What the training loop asks of a model, a data source and an optimizer, and what it reports. */
import type { Tensor } from '../autograd/index.js';
import type { NDArray } from '../core/index.js';
import type { Batch, Position } from '../data/index.js';
import type { OptimizerState, ScheduleState } from '../optim/index.js';

/** Anything that can be trained: a module, or a traced graph that still trains. `Output` may be a list of tensors. */
export interface Trainable<Output = Tensor> {
  readonly training: boolean;
  forward(x: Tensor): Output;
  parameters(): Iterable<Tensor>;
  /** Switches to training, or with `false` to evaluation. */
  train(on?: boolean): unknown;
  /** A copy of all arrays that training changes. */
  stateDict(): ReadonlyMap<string, NDArray>;
  loadStateDict(state: ReadonlyMap<string, NDArray>): unknown;
  /** What else training changes, as plain JSON: the observers of a quantized module. */
  extraState?(): object;
  loadExtraState?(state: object): void;
}

/** Repeatable batches; see DataLoader. */
export interface BatchSource {
  /** Batches per epoch. */
  readonly length: number;
  /** Images per epoch. */
  readonly imageCount: number;
  batches(position?: Position): Iterable<Batch>;
}

export interface StepOptimizer {
  readonly groups: readonly { readonly lr: number }[];
  step(): void;
  zeroGrad(): void;
  state(): OptimizerState;
  load(state: OptimizerState): void;
}

export interface StepSchedule {
  step(): void;
  state(): ScheduleState;
  load(state: ScheduleState): void;
}

/** Mean loss over a batch; a scalar. */
export type Loss<Output = Tensor> = (output: Output, targets: Tensor) => Tensor;

/** The part of an AbortSignal that is looked at. */
export interface StopSignal {
  readonly aborted: boolean;
}

/** Counts from 0. */
export interface StepEvent {
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  /** Of this batch. */
  readonly loss: number;
  /** Of the epoch so far, in [0, 1]; null where the targets are not classes. */
  readonly accuracy: number | null;
  readonly lr: number;
  /** Norm before clipping; null without clipping. */
  readonly gradNorm: number | null;
  readonly imagesPerSecond: number;
  /** Until the last epoch ends, training only. */
  readonly secondsLeft: number;
}

export interface Evaluation {
  readonly loss: number;
  /** Share of images whose largest output is their class; null where the targets are not classes. */
  readonly accuracy: number | null;
  readonly images: number;
}

export interface EpochEvent {
  readonly epoch: number;
  readonly epochs: number;
  /** Means over the epoch, taken while the weights were changing. */
  readonly loss: number;
  readonly accuracy: number | null;
  /** On the validation set, where there is one. */
  readonly validation: Evaluation | null;
  readonly seconds: number;
}

/** How a run ended. `position` is where to go on; `history` has an entry for every epoch that this run completed. */
export type FitOutcome = { readonly position: Position; readonly history: readonly EpochEvent[] } & (
  | { readonly stopped: 'finished' | 'aborted' }
  | {
      /** A loss or a weight was not finite. Model, optimizer and schedule are back where `position` says. */
      readonly stopped: 'diverged';
      /** The batch at which it showed. */
      readonly at: Position;
      readonly message: string;
    }
);
