/** What a training run of a model of this library is made from. */
import { DataError, FormatError } from '../../core/index.js';
import { DataLoader, type ArrayDataset } from '../../data/index.js';
import type { ModelInfo } from '../../formats/index.js';
import { createModel, MODEL_NAMES, RECIPES, type ModelName } from '../../models/index.js';
import type { Module } from '../../nn/index.js';
import { floatRun, type Run } from './run.js';
import { requireCommand } from './job.js';
import { count, decodeRun, number, type LoadedRecord, type SavedRun } from './state.js';

/** Everything that decides what a run computes, besides the data. */
export interface FloatConfig {
  readonly model: ModelName;
  readonly epochs: number;
  readonly batch: number;
  /** The highest rate of the schedule. */
  readonly lr: number;
  readonly seed: number;
  /** Number of training images. */
  readonly images: number;
}

export interface FloatRun extends Run {
  readonly config: FloatConfig;
  readonly model: Module;
}

/** What a file of such a model says about its inputs and outputs. */
export function modelInfo(model: ModelName, labels: readonly string[]): ModelInfo {
  const { mean, std } = RECIPES[model];
  return { labels, normalization: { mean: [mean], std: [std] } };
}

/** Throws DataError when there are fewer images than the run needs. */
export function createFloatRun(config: FloatConfig, data: ArrayDataset): FloatRun {
  const { model: name, epochs, batch, lr, seed, images } = config;
  if (data.length < images)
    throw new DataError(
      `the run uses ${images} training images, the data set has ${data.length}; use the same data`,
    );
  const recipe = RECIPES[name];
  const { mean, std, augment } = recipe;
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
  return { ...floatRun(model, loader, { recipe, epochs, lr }), config, model };
}

/** Throws FormatError for a file that is no checkpoint of such a run. */
export function readFloatRun(bytes: Uint8Array): { readonly run: SavedRun; readonly config: FloatConfig } {
  const run = decodeRun(bytes);
  requireCommand(run.config, 'train');
  return { run, config: floatConfig(run.config) };
}

function floatConfig(config: LoadedRecord): FloatConfig {
  const name = MODEL_NAMES.find((n) => n === config.model);
  if (name === undefined)
    throw new FormatError(`config.model: ${String(config.model)} is unknown to this version`);
  return {
    model: name,
    epochs: count(config.epochs, 'config.epochs'),
    batch: count(config.batch, 'config.batch'),
    lr: number(config.lr, 'config.lr'),
    seed: count(config.seed, 'config.seed'),
    images: count(config.images, 'config.images'),
  };
}
