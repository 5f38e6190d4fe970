/** `octograd train`: trains a float model, with a checkpoint after every epoch. */
import { Tensor } from '../../autograd/index.js';
import { NDArray } from '../../core/index.js';
import { encodeModel } from '../../formats/index.js';
import { MODEL_NAMES, RECIPES } from '../../models/index.js';
import { trace } from '../../trace/index.js';
import type { EpochEvent, FitOutcome } from '../../train/index.js';
import {
  dataOption,
  defineCommand,
  EXIT,
  FailedRun,
  kernelOptions,
  seedOption,
  UsageError,
  type Io,
  type OptionValues,
} from '../command.js';
import { loadData, type Data } from '../data.js';
import { fileIn, printResult, withEnding, writeOutput } from '../files.js';
import { EVALUATION_BATCH, loaderFor } from '../inference.js';
import { refuseOverwriting } from '../overwrite.js';
import { formatPercent, formatSeconds } from '../report/numbers.js';
import { counted, shellWord } from '../text.js';
import {
  checkpointBeside,
  Checkpoints,
  createFloatRun,
  modelInfo,
  readCheckpoint,
  readFloatRun,
  savedFit,
  type FloatConfig,
  type FloatRun,
} from '../training/index.js';

const options = {
  ...dataOption,
  model: { kind: 'choice', choices: MODEL_NAMES, default: 'plain', help: 'architecture' },
  epochs: { kind: 'integer', min: 1, help: 'passes over the training images (default: as the model needs)' },
  batch: { kind: 'integer', min: 1, help: 'images per step (default: as the model needs)' },
  lr: { kind: 'number', min: 1e-8, help: 'highest learning rate (default: as the model needs)' },
  limit: { kind: 'integer', min: 1, help: 'use the first N training images only' },
  ...seedOption,
  ...kernelOptions,
  out: {
    kind: 'text',
    placeholder: 'FILE',
    help: 'the model, or its folder; the checkpoint is written beside it (default out/MODEL.octo)',
  },
  resume: {
    kind: 'text',
    placeholder: 'CHECKPOINT',
    help: 'go on with a run; the same bits come out as without the stop',
  },
} as const;

type Options = OptionValues<typeof options>;

/** What a checkpoint decides. The learning rate may be changed, to get past a divergence. */
const SAVED = ['model', 'epochs', 'batch', 'limit', 'seed'] as const;

export const train = defineCommand({
  name: 'train',
  summary: 'train a float model, or go on with a run',
  positionals: [],
  options,
  async run(args, io) {
    const { options, given } = args;
    const saved =
      options.resume === undefined
        ? null
        : readCheckpoint(options.resume, readFloatRun, (line) => io.stderr(line));
    const taken = saved === null ? undefined : SAVED.find((key) => given.has(key));
    if (taken !== undefined)
      throw new UsageError(`--${taken} comes from the checkpoint; leave it out with --resume`);
    const data = loadData(options.data);
    const config =
      saved === null ? newConfig(options, data) : { ...saved.config, lr: options.lr ?? saved.config.lr };
    const paths = pathsOf(options, config);
    const made = saved === null ? [paths.model, paths.checkpoint] : [paths.model];
    refuseOverwriting(
      args,
      made.map((path) => ['out', path]),
    );
    const run = createFloatRun(config, data.train);
    describeRun(run, io);
    const job = { config: { command: 'train', ...config } };
    const files = saved?.files.path === paths.checkpoint ? saved.files : new Checkpoints(paths.checkpoint);
    const validation = loaderFor(modelInfo(run.config.model, data.labels), data.test, EVALUATION_BATCH);
    const outcome = await savedFit(run, { job, files, saved: saved?.run ?? null, validation }, io);
    const written = writeResult(run, outcome, data, paths);
    const resume = [
      'octograd',
      'train',
      '--resume',
      paths.checkpoint,
      ...(options.data ? ['--data', options.data] : []),
    ];
    printResult(
      io,
      options,
      describe(run, outcome, written, resume.map(shellWord).join(' ')),
      jsonResult(run, outcome, written),
    );
    if (outcome.stopped === 'diverged') throw new FailedRun(outcome.message);
    return outcome.stopped === 'finished' ? EXIT.ok : EXIT.aborted;
  },
});

function newConfig({ model, epochs, batch, lr, limit, seed }: Options, { train }: Data): FloatConfig {
  const recipe = RECIPES[model];
  return {
    model,
    epochs: epochs ?? recipe.epochs,
    batch: batch ?? recipe.batchSize,
    lr: lr ?? recipe.maxLr,
    seed,
    images: Math.min(limit ?? train.length, train.length),
  };
}

function pathsOf({ out, resume }: Options, { model }: FloatConfig): Paths {
  const path =
    out !== undefined
      ? fileIn(out, `${model}.octo`)
      : resume !== undefined
        ? withEnding(resume, '.octo')
        : `out/${model}.octo`;
  return { model: path, checkpoint: checkpointBeside(path) };
}

interface Paths {
  readonly model: string;
  readonly checkpoint: string;
}

function describeRun({ config, model, loader }: FloatRun, io: Io): void {
  const weights = [...model.parameters()].reduce((sum, p) => sum + p.size, 0);
  io.stderr(
    `${config.model}: ${counted(weights, 'weight')}, ${counted(config.images, 'training image')}, ${counted(config.epochs, 'epoch')} of ${counted(loader.length, 'batch', 'batches')}`,
  );
}

/** Writes the model, unless the run was stopped or has learned nothing. Returns the files that there are now. */
function writeResult(run: FloatRun, { stopped, position }: FitOutcome, data: Data, paths: Paths): string[] {
  const learned = position.epoch > 0 || position.batch > 0;
  if (stopped === 'aborted' || !learned) return [paths.checkpoint];
  const example = new Tensor(NDArray.zeros([1, ...data.train.imageShape], 'float32'));
  writeOutput(paths.model, encodeModel(trace(run.model, example), modelInfo(run.config.model, data.labels)));
  return [paths.model, paths.checkpoint];
}

function describe(
  { config }: FloatRun,
  outcome: FitOutcome,
  written: readonly string[],
  resume: string,
): string[] {
  const { stopped, position, history } = outcome;
  const lines = [`wrote ${written.join(' and ')}`];
  if (stopped === 'aborted') {
    lines.unshift(`stopped before batch ${position.batch + 1} of epoch ${position.epoch + 1}`);
    lines.push(`go on with: ${resume}`);
  }
  const last = history[history.length - 1];
  if (stopped !== 'finished' || typeof last?.validation?.accuracy !== 'number') return lines;
  const { accuracy, images } = last.validation;
  const seconds = history.reduce((sum, e) => sum + e.seconds, 0);
  return [
    `${config.model}: top-1 ${formatPercent(accuracy)} of ${counted(images, 'test image')} after ${counted(config.epochs, 'epoch')}, ${formatSeconds(seconds)} of training`,
    ...lines,
  ];
}

function jsonResult(
  { config }: FloatRun,
  { stopped, position, history }: FitOutcome,
  files: readonly string[],
): object {
  return { ...config, stopped, position, files, history: history.map(epochResult) };
}

function epochResult({ epoch, loss, accuracy, validation, seconds }: EpochEvent): object {
  const test = validation && {
    test_loss: validation.loss,
    top1: validation.accuracy,
    test_images: validation.images,
  };
  return { epoch: epoch + 1, loss, training_top1: accuracy, seconds, ...test };
}
