/** How the models are trained where nothing else is asked for. */
import type { Tensor } from '../autograd/index.js';
import type { Augmentation } from '../data/index.js';
import type { ModelName } from '../models/index.js';
import { SGD, type Optimizer } from '../optim/index.js';

export interface Recipe {
  readonly mean: number;
  readonly std: number;
  readonly batchSize: number;
  readonly augment: Augmentation;
  readonly epochs: number;
  readonly maxLr: number;
  readonly pctStart: number;
  readonly qatLr: number;
  optimizer(params: Iterable<Tensor>): Optimizer;
}

const common = {
  mean: 0.286,
  std: 0.353,
  batchSize: 64,
  augment: {},
  epochs: 5,
  maxLr: 0.2,
  pctStart: 0.2,
  qatLr: 0.01,
  optimizer: (params: Iterable<Tensor>) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
};

export const RECIPES: Readonly<Record<ModelName, Recipe>> = {
  plain: common,
  residual: common,
  depthwise: common,
};
