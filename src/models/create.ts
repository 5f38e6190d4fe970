/** Models by name. */
import { ArgumentError, Random, type Seed } from '../core/index.js';
import type { Module } from '../nn/index.js';
import { DepthwiseCnn } from './depthwise.js';
import type { ModelOptions } from './options.js';
import { PlainCnn } from './plain.js';
import { ResidualCnn } from './residual.js';

const MODELS = { plain: PlainCnn, residual: ResidualCnn, depthwise: DepthwiseCnn } as const;

export type ModelName = keyof typeof MODELS;
export const MODEL_NAMES = Object.keys(MODELS) as readonly ModelName[];

export interface CreateModelOptions extends Omit<ModelOptions, 'random'> {
  /** Of the initial weights; default 0. */
  readonly seed?: Seed | undefined;
}

/** A new model: 'plain', 'residual' or 'depthwise'. Throws ArgumentError for any other name. */
export function createModel(name: string, options: CreateModelOptions = {}): Module {
  const { seed = 0, ...rest } = options;
  if (!Object.hasOwn(MODELS, name))
    throw new ArgumentError(`model: '${name}' is unknown; use one of ${MODEL_NAMES.join(', ')}`);
  return new MODELS[name as ModelName]({ ...rest, random: new Random(seed) });
}
