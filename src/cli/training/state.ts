/** The checkpoint of a run: everything that decides how it goes on, in bytes. */
import { FormatError, NDArray, OctogradError } from '../../core/index.js';
import type { Position } from '../../data/index.js';
import { decodeCheckpoint, encodeCheckpoint, type LoadedState, type StateTree } from '../../formats/index.js';
import { stepAt, type Run } from './run.js';

export type LoadedRecord = Readonly<Record<string, LoadedState>>;

/** What the run is a part of. */
export interface Job {
  /** Words and numbers that the run was created from. */
  readonly config: Readonly<Record<string, string | number | boolean | null>>;
  /** What earlier runs of the job made: their state dicts, by name. */
  readonly made?: ReadonlyMap<string, ReadonlyMap<string, NDArray>> | undefined;
}

/** Bytes of a checkpoint from which the run goes on at `position`, bit for bit. */
export function encodeRun(run: Run, position: Position, { config, made }: Job): Uint8Array {
  const { model, optimizer, schedule, loader, pruner } = run;
  const { kind, groups, steps, arrays } = optimizer.state();
  const { step, baseLrs } = schedule.state();
  return encodeCheckpoint({
    epoch: position.epoch,
    step: stepAt(run, position),
    model: model.stateDict(),
    optimizer: { kind, groups: groups as StateTree[], steps, arrays },
    // Batches are functions of seed and position: there is no generator to save.
    random: {},
    extra: {
      config: { ...config },
      position: { ...position },
      batches: loader.length,
      schedule: { step, baseLrs },
      module: (model.extraState?.() ?? null) as StateTree,
      pruner: (pruner?.state() ?? null) as StateTree,
      made: made ?? new Map(),
    },
  });
}

export interface SavedRun {
  readonly config: LoadedRecord;
  readonly position: Position;
  readonly made: ReadonlyMap<string, ReadonlyMap<string, NDArray>>;
  /** Puts the saved state into a run that was created in the same way. Throws FormatError where it does not fit. */
  restore(run: Run): void;
}

/** Throws FormatError for a file that is no checkpoint of a training run. */
export function decodeRun(bytes: Uint8Array): SavedRun {
  const { model, optimizer, extra } = decodeCheckpoint(bytes);
  const parts = record(extra, 'extra');
  const position = record(parts.position, 'position');
  const made = map(parts.made, 'made');
  return {
    config: record(parts.config, 'config'),
    position: {
      epoch: count(position.epoch, 'position.epoch'),
      batch: count(position.batch, 'position.batch'),
    },
    made: new Map([...made].map(([name, state]) => [name, arrays(state, `made.${name}`)])),
    restore(run) {
      const { kind, groups, steps, arrays: slots } = record(optimizer, 'optimizer');
      const { step, baseLrs } = record(parts.schedule, 'schedule');
      if (typeof kind !== 'string') throw new FormatError('optimizer.kind: text is expected');
      const batches = count(parts.batches, 'batches');
      if (batches !== run.loader.length)
        throw new FormatError(
          `the checkpoint is of a run of ${batches} batches an epoch, this one has ${run.loader.length}; use the same data`,
        );
      try {
        run.model.loadStateDict(arrays(model, 'model'));
        if (parts.module !== null) run.model.loadExtraState?.(record(parts.module, 'module'));
        run.optimizer.load({
          kind,
          groups: list(groups, 'optimizer.groups').map((g) => record(g, 'optimizer.groups')),
          steps: list(steps, 'optimizer.steps').map((n) => count(n, 'optimizer.steps')),
          arrays: arrays(slots, 'optimizer.arrays'),
        });
        run.schedule.load({
          step: count(step, 'schedule.step'),
          baseLrs: list(baseLrs, 'schedule.baseLrs').map((lr) => number(lr, 'schedule.baseLrs')),
        });
        run.pruner?.load(prunerState(parts.pruner));
      } catch (error) {
        if (error instanceof OctogradError)
          throw new FormatError(`the checkpoint does not fit: ${error.message}`);
        throw error;
      }
    },
  };
}

function prunerState(v: LoadedState): { step: number; pruned: Record<string, number[]> } {
  const { step, pruned } = record(v, 'pruner');
  const positions = Object.entries(record(pruned, 'pruner.pruned')).map(
    ([name, at]) => [name, list(at, 'pruner').map((n) => count(n, `pruner.${name}`))] as const,
  );
  return { step: count(step, 'pruner.step'), pruned: Object.fromEntries(positions) };
}

function record(v: LoadedState | undefined, name: string): LoadedRecord {
  if (typeof v !== 'object' || v === null || Array.isArray(v) || v instanceof Map || v instanceof NDArray)
    throw new FormatError(`${name}: missing; this is no checkpoint of a training run`);
  return v;
}

function list(v: LoadedState | undefined, name: string): LoadedState[] {
  if (!Array.isArray(v)) throw new FormatError(`${name}: a list is expected`);
  return v;
}

export function number(v: LoadedState | undefined, name: string): number {
  if (typeof v !== 'number' || !Number.isFinite(v)) throw new FormatError(`${name}: a number is expected`);
  return v;
}

export function count(v: LoadedState | undefined, name: string): number {
  const n = number(v, name);
  if (!Number.isSafeInteger(n) || n < 0)
    throw new FormatError(`${name}: ${n} where a whole number >= 0 is expected`);
  return n;
}

function map(v: LoadedState | undefined, name: string): Map<string, LoadedState> {
  if (!(v instanceof Map)) throw new FormatError(`${name}: missing; this is no checkpoint of a training run`);
  return v;
}

function arrays(v: LoadedState | undefined, name: string): Map<string, NDArray> {
  return new Map(
    [...map(v, name)].map(([key, array]) => {
      if (!(array instanceof NDArray)) throw new FormatError(`${name}.${key}: an array is expected`);
      return [key, array];
    }),
  );
}
