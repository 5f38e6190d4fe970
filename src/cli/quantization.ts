/** Post-training quantization and quantization-aware training of a model file. */
import { DataLoader, type ArrayDataset, type Augmentation } from '../data/index.js';
import type { Model, ModelInfo } from '../formats/index.js';
import type { Graph, Numerics } from '../graph/index.js';
import {
  calibrate,
  entropy,
  minMax,
  mse,
  percentile,
  prepare,
  ptqConfig,
  qatConfig,
  type Granularity,
  type GraphInputs,
  type QConfig,
  type QConfigOptions,
  type QuantizedModule,
} from '../quant/index.js';
import { TARGETS, type TargetName } from '../targets/index.js';
import { UsageError, type Io, type OptionTable } from './command.js';
import { loaderFor } from './inference.js';
import { normalizationOptions } from './inputs.js';
import {
  checkMethods,
  improveGraph,
  improveModule,
  methodConfig,
  methodOptions,
  withinBudget,
  type Methods,
} from './methods.js';
import { counted } from './text.js';
import { qatRun, type Training } from './training/index.js';

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

const bits = { kind: 'integer', min: 2, max: 8, default: 8 } as const;

/** How a network is quantized after training, and on what. */
export const quantizationOptions = {
  target: {
    kind: 'choice',
    choices: Object.keys(TARGETS) as TargetName[],
    help: 'what it is for: sets the options below that are not given',
  },
  weightBits: { ...bits, help: 'of the weights, 2 to 8' },
  activationBits: { ...bits, help: 'of everything between the layers, 2 to 8' },
  granularity: {
    kind: 'choice',
    choices: ['per-channel', 'per-tensor'],
    default: 'per-channel',
    help: 'scales of the weights',
  },
  numerics: {
    kind: 'choice',
    choices: Object.keys(NUMERICS) as NumericsName[],
    default: 'float',
    help: 'how accumulators become codes',
  },
  observer: {
    kind: 'choice',
    choices: Object.keys(OBSERVERS) as ObserverName[],
    default: 'min-max',
    help: 'what sets the ranges of activations in ptq',
  },
  ...methodOptions,
  calibration: { kind: 'integer', min: 1, default: 512, help: 'images that set the ranges' },
  calibrate: {
    kind: 'text',
    placeholder: 'PATH',
    help: 'pictures or a .npy file for a network that is no classifier of --data',
  },
  ...normalizationOptions,
} as const satisfies OptionTable;

/** What makes a quantization config. */
export interface ConfigOptions extends Methods {
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
 * @throws QuantizationError for options that the target or the graph does not take, UsageError for those that do not go
 *   together
 */
export function configOf(options: ConfigOptions, given: ReadonlySet<string>, graph: Graph): QConfig {
  checkMethods(options, options.method);
  const { method, target, weightBits, activationBits, granularity, weightBudget } = options;
  if (weightBudget !== undefined && (given.has('weightBits') || target !== undefined))
    throw new UsageError(
      '--weight-budget chooses the bits of the weights; leave out --weight-bits and --target',
    );
  const asked = { weightBits, activationBits, granularity, numerics: NUMERICS[options.numerics] };
  const entries = Object.entries(asked).filter(([name]) => target === undefined || given.has(name));
  const chosen: QConfigOptions = { ...Object.fromEntries(entries), ...methodConfig(options, graph) };
  if (target !== undefined) chosen.target = target;
  if (method === 'ptq') return ptqConfig({ ...chosen, activationObserver: OBSERVERS[options.observer]() });
  if (given.has('observer'))
    throw new UsageError('--observer is for --method ptq; qat follows the ranges with moving averages');
  return qatConfig(chosen);
}

export interface QuantizeOptions extends Methods {
  readonly method: 'ptq' | 'qat';
  /** Images that set the ranges. */
  readonly calibration: number;
  readonly epochs: number;
  readonly lr: number;
  /** Share of qat that trains in float. */
  readonly quantizeAt?: number;
  readonly batch: number;
  readonly seed: number;
}

/** Calibration runs this many images at a time. */
export const CALIBRATION_BATCH = 64;

/** Calibrated on `batches`, with what the options ask for before and after. */
export async function quantized(
  graph: Graph,
  batches: readonly GraphInputs[],
  config: QConfig,
  options: Methods & { readonly seed: number },
  io: Io,
  train?: (module: QuantizedModule) => Promise<void>,
): Promise<QuantizedModule> {
  const source = improveGraph(graph, options);
  const chosen = withinBudget(source, batches, config, options, io);
  const module = calibrate(prepare(source, chosen), batches);
  await train?.(module);
  improveModule(module, batches, options, io);
  return module.eval();
}

/** The first images of a set, in batches as the model wants them. */
export function calibrationBatches(
  { info }: Model,
  images: ArrayDataset,
  calibration: number,
  io: Io,
): GraphInputs[] {
  const sample = images.slice(0, calibration);
  io.stderr(`calibrating on ${counted(sample.length, 'image')}`);
  return Array.from(loaderFor(info, sample, CALIBRATION_BATCH).batches(), (b) => b.inputs);
}

/**
 * A calibrated, and for qat trained, module in eval mode. Throws what an abort gives, StoppedRun for one that can go on, and
 * FailedRun on divergence.
 */
export async function quantizeModel(
  model: Model,
  images: ArrayDataset,
  config: QConfig,
  { training, ...options }: QuantizeOptions & { readonly training: Training | null },
  io: Io,
): Promise<QuantizedModule> {
  const batches = calibrationBatches(model, images, options.calibration, io);
  return quantized(model.graph, batches, config, options, io, async (module) => {
    if (training === null) return;
    const { epochs, lr, quantizeAt = 0 } = options;
    const loader = trainingLoader(model.info, images, options);
    const run = qatRun(module, loader, { epochs, lr, quantizeAt });
    await training.fit(run, { resumes: true }, io);
  });
}

/** Shuffled batches of a data set as the model wants its images. */
export function trainingLoader(
  { normalization }: ModelInfo,
  images: ArrayDataset,
  { batch, seed }: { readonly batch: number; readonly seed: number },
  augment: Augmentation = {},
): DataLoader {
  // a last batch of one or two images would spoil the statistics
  const dropLast = images.length >= batch;
  return new DataLoader(images, {
    ...normalization,
    batchSize: batch,
    shuffle: true,
    seed,
    dropLast,
    augment,
  });
}
