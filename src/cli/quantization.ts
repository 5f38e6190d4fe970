/** Post-training quantization and quantization-aware training of a model file. */
import type { ArrayDataset } from '../data/index.js';
import { DataLoader } from '../data/index.js';
import type { Model } from '../formats/index.js';
import type { Numerics } from '../graph/index.js';
import { createProgress } from '../node/index.js';
import { AdamW, oneCycle, Schedule } from '../optim/index.js';
import {
  calibrate,
  entropy,
  minMax,
  mse,
  percentile,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
  type Granularity,
  type QConfig,
  type QConfigOptions,
  type QuantizedModule,
} from '../quant/index.js';
import type { TargetName } from '../targets/index.js';
import { fit } from '../train/index.js';
import { FailedRun, UsageError, type Io } from './command.js';
import { loaderFor } from './inference.js';
import { counted } from './text.js';

export const NUMERICS = {
  float: { numerics: 'float' },
  'fixed-double': { numerics: 'fixed', rounding: 'double' },
  'fixed-single': { numerics: 'fixed', rounding: 'single' },
} as const satisfies Record<string, Numerics>;
export type NumericsName = keyof typeof NUMERICS;

export function numericsName(numerics: Numerics): NumericsName {
  return numerics.numerics === 'float' ? 'float' : `fixed-${numerics.rounding}`;
}

/** What sets the ranges of activations after training. */
export const OBSERVERS = { 'min-max': minMax, percentile, mse, entropy } as const;
export type ObserverName = keyof typeof OBSERVERS;

/** What makes a quantization config. */
export interface ConfigOptions {
  readonly method: 'ptq' | 'qat';
  readonly target: TargetName | undefined;
  readonly weightBits: number;
  readonly activationBits: number;
  readonly granularity: Granularity;
  readonly numerics: NumericsName;
  readonly observer: ObserverName;
}

/**
 * With a target, options that are not among the `given` are left to it.
 * @throws QuantizationError for options that the target does not take, UsageError for an observer with qat
 */
export function configOf(options: ConfigOptions, given: ReadonlySet<string>): QConfig {
  const { method, target, weightBits, activationBits, granularity } = options;
  const asked = { weightBits, activationBits, granularity, numerics: NUMERICS[options.numerics] };
  const entries = Object.entries(asked).filter(([name]) => target === undefined || given.has(name));
  const chosen: QConfigOptions = Object.fromEntries(entries);
  if (target !== undefined) chosen.target = target;
  if (method === 'ptq') return ptqConfig({ ...chosen, activationObserver: OBSERVERS[options.observer]() });
  if (given.has('observer'))
    throw new UsageError('--observer is for --method ptq; qat follows the ranges with moving averages');
  return qatConfig(chosen);
}

export interface QuantizeOptions {
  readonly method: 'ptq' | 'qat';
  /** Images that set the ranges. */
  readonly calibration: number;
  readonly epochs: number;
  readonly lr: number;
  readonly batch: number;
  readonly seed: number;
}

/** Calibration runs this many images at a time. */
const CALIBRATION_BATCH = 64;

/** A calibrated, and for qat trained, module in eval mode. Throws what an abort gives, and FailedRun on divergence. */
export async function quantizeModel(
  { graph, info }: Model,
  images: ArrayDataset,
  config: QConfig,
  options: QuantizeOptions,
  io: Io,
): Promise<QuantizedModule> {
  const module = prepare(graph, config);
  const sample = images.slice(0, options.calibration);
  io.stderr(`calibrating on ${counted(sample.length, 'image')}`);
  const batches = loaderFor(info, sample, CALIBRATION_BATCH).batches();
  calibrate(
    module,
    Array.from(batches, (b) => b.inputs),
  );
  if (options.method === 'qat') await trainQuantized(module, info, images, options, io);
  return module.eval();
}

async function trainQuantized(
  module: QuantizedModule,
  info: Model['info'],
  images: ArrayDataset,
  { epochs, lr, batch, seed }: QuantizeOptions,
  io: Io,
): Promise<void> {
  const loader = new DataLoader(images, {
    ...info.normalization,
    batchSize: batch,
    shuffle: true,
    seed,
    dropLast: images.length >= batch,
  });
  const totalSteps = epochs * loader.length;
  const optimizer = new AdamW(module.parameters(), { lr });
  const schedule = new Schedule(optimizer, oneCycle({ maxLr: lr, totalSteps, pctStart: 0.1 }));
  const freeze = qatSchedule(module, { totalSteps });
  const progress = createProgress({ onLine: (line) => io.stderr(line) });
  let step = 0;
  freeze(step);
  try {
    const outcome = await fit({
      model: module,
      optimizer,
      schedule,
      loader,
      epochs,
      signal: io.signal,
      onStep(event) {
        freeze(++step);
        if (io.isTTY) progress.onStep(event);
      },
      onEpoch: progress.onEpoch,
    });
    io.signal.throwIfAborted();
    if (outcome.stopped === 'diverged') throw new FailedRun(outcome.message);
  } finally {
    progress.stop();
  }
}
