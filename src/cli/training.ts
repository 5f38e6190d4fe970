/** A training run: what it is made from, and its checkpoint. */
import { ArgumentError, DataError, FormatError, NDArray } from '../core/index.js';
import { DataLoader, type ArrayDataset, type Position } from '../data/index.js';
import { decodeCheckpoint, encodeCheckpoint, type LoadedState } from '../formats/index.js';
import { createModel, MODEL_NAMES, RECIPES, type ModelName } from '../models/index.js';
import type { Module } from '../nn/index.js';
import { oneCycle, Schedule, type Optimizer } from '../optim/index.js';

/** Everything that decides what a run computes, besides the data. */
export interface RunConfig {
  readonly model: ModelName;
  readonly epochs: number;
  readonly batch: number;
  /** The highest rate of the schedule. */
  readonly lr: number;
  readonly seed: number;
  /** Number of training images. */
  readonly images: number;
}

export interface Run {
  readonly config: RunConfig;
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  readonly loader: DataLoader;
}

/** Throws DataError when there are fewer images than the run needs. */
export function createRun(config: RunConfig, data: ArrayDataset): Run {
  const { model: name, epochs, batch, lr, seed, images } = config;
  if (data.length < images)
    throw new DataError(
      `the run uses ${images} training images, the data set has ${data.length}; use the same data`,
    );
  const { mean, std, augment, pctStart, optimizer: makeOptimizer } = RECIPES[name];
  const model = createModel(name, { seed, classes: data.classes });
  const loader = new DataLoader(data.slice(0, images), {
    batchSize: batch,
    shuffle: true,
    seed,
    // Batch norm on a last batch of one or two images would spoil the running statistics.
    dropLast: images >= batch,
    augment,
    mean,
    std,
  });
  const optimizer = makeOptimizer(model.parameters());
  const totalSteps = epochs * loader.length;
  const schedule = new Schedule(optimizer, oneCycle({ maxLr: lr, totalSteps, pctStart }));
  return { config, model, optimizer, schedule, loader };
}

/** Bytes of a checkpoint from which the run goes on at `position`, bit for bit. */
export function saveRun({ config, model, optimizer, schedule, loader }: Run, position: Position): Uint8Array {
  const { kind, groups, steps, arrays } = optimizer.state();
  const { step, baseLrs } = schedule.state();
  return encodeCheckpoint({
    epoch: position.epoch,
    step: position.epoch * loader.length + position.batch,
    model: model.stateDict(),
    optimizer: { kind, groups: groups as LoadedState[], steps, arrays },
    // Batches are functions of seed and position: there is no generator to save.
    random: {},
    extra: { config: { ...config }, position: { ...position }, schedule: { step, baseLrs } },
  });
}

export interface SavedRun {
  readonly config: RunConfig;
  readonly position: Position;
  /** Puts the saved state into a run that was created from `config`. */
  restore(run: Run): void;
}

/** Throws FormatError for a file that is no checkpoint of a training run. */
export function readRun(bytes: Uint8Array): SavedRun {
  const { model, optimizer, extra } = decodeCheckpoint(bytes);
  const parts = record(extra, 'extra');
  const config = record(parts.config, 'config');
  const position = record(parts.position, 'position');
  const name = MODEL_NAMES.find((n) => n === config.model);
  if (name === undefined)
    throw new FormatError(`config.model: ${String(config.model)} is unknown to this version`);
  return {
    config: {
      model: name,
      epochs: count(config.epochs, 'config.epochs'),
      batch: count(config.batch, 'config.batch'),
      lr: number(config.lr, 'config.lr'),
      seed: count(config.seed, 'config.seed'),
      images: count(config.images, 'config.images'),
    },
    position: {
      epoch: count(position.epoch, 'position.epoch'),
      batch: count(position.batch, 'position.batch'),
    },
    restore(run) {
      const { kind, groups, steps, arrays } = record(optimizer, 'optimizer');
      const { step, baseLrs } = record(parts.schedule, 'schedule');
      if (typeof kind !== 'string') throw new FormatError('optimizer.kind: text is expected');
      try {
        run.model.loadStateDict(arrayMap(model, 'model'));
        run.optimizer.load({
          kind,
          groups: list(groups, 'optimizer.groups').map((g) => record(g, 'optimizer.groups')),
          steps: list(steps, 'optimizer.steps').map((n) => count(n, 'optimizer.steps')),
          arrays: arrayMap(arrays, 'optimizer.arrays'),
        });
        run.schedule.load({
          step: count(step, 'schedule.step'),
          baseLrs: list(baseLrs, 'schedule.baseLrs').map((lr) => number(lr, 'schedule.baseLrs')),
        });
      } catch (error) {
        if (error instanceof ArgumentError)
          throw new FormatError(`the checkpoint does not fit: ${error.message}`);
        throw error;
      }
    },
  };
}

function record(v: LoadedState | undefined, name: string): Readonly<Record<string, LoadedState>> {
  if (typeof v !== 'object' || v === null || Array.isArray(v) || v instanceof Map || v instanceof NDArray)
    throw new FormatError(`${name}: missing; this is no checkpoint of a training run`);
  return v;
}

function list(v: LoadedState | undefined, name: string): LoadedState[] {
  if (!Array.isArray(v)) throw new FormatError(`${name}: a list is expected`);
  return v;
}

function number(v: LoadedState | undefined, name: string): number {
  if (typeof v !== 'number' || !Number.isFinite(v)) throw new FormatError(`${name}: a number is expected`);
  return v;
}

function count(v: LoadedState | undefined, name: string): number {
  const n = number(v, name);
  if (!Number.isSafeInteger(n) || n < 0)
    throw new FormatError(`${name}: ${n} where a whole number >= 0 is expected`);
  return n;
}

function arrayMap(v: LoadedState | undefined, name: string): Map<string, NDArray> {
  if (!(v instanceof Map)) throw new FormatError(`${name}: missing; this is no checkpoint of a training run`);
  return new Map(
    [...v].map(([key, array]) => {
      if (!(array instanceof NDArray)) throw new FormatError(`${name}.${key}: an array is expected`);
      return [key, array];
    }),
  );
}
