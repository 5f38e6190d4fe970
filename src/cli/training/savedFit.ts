/** A run with its checkpoints and its progress. */
import type { Position } from '../../data/index.js';
import { createProgress } from '../../node/index.js';
import type { BatchSource, FitOutcome } from '../../train/index.js';
import type { Io } from '../command.js';
import type { Checkpoints } from './checkpoints.js';
import { fitRun, type Run } from './run.js';
import { encodeRun, type Job, type SavedRun } from './state.js';

/** Epochs may be long: a checkpoint is never older. */
const INTERVAL_MS = 60_000;

export interface SavedFitOptions {
  readonly job: Job;
  readonly files: Checkpoints;
  /** Where to go on; null begins. */
  readonly saved: SavedRun | null;
  readonly validation?: BatchSource | undefined;
}

/** Saves at the start, after every epoch, every minute, and where it is aborted or diverges. */
export async function savedFit(run: Run, options: SavedFitOptions, io: Io): Promise<FitOutcome> {
  const { job, files, saved, validation } = options;
  let last = performance.now();
  const save = (position: Position): void => {
    files.save(encodeRun(run, position, job));
    last = performance.now();
  };
  saved?.restore(run);
  if (saved === null) save({ epoch: 0, batch: 0 });
  const progress = createProgress({ onLine: (line) => io.stderr(line) });
  try {
    const outcome = await fitRun(run, {
      start: saved?.position,
      validation,
      signal: io.signal,
      onStep(event) {
        const { epoch, batch, batches } = event;
        if (performance.now() - last > INTERVAL_MS && batch + 1 < batches) save({ epoch, batch: batch + 1 });
        if (io.isTTY) progress.onStep(event);
      },
      onEpoch(event) {
        save({ epoch: event.epoch + 1, batch: 0 });
        progress.onEpoch(event);
      },
    });
    if (outcome.stopped !== 'finished') save(outcome.position);
    return outcome;
  } finally {
    progress.stop();
  }
}
