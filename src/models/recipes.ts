/** How each model is trained on Fashion-MNIST where nothing else is asked for. */
import type { Tensor } from '../autograd/index.js';
import type { Augmentation } from '../data/index.js';
import { SGD, type Optimizer } from '../optim/index.js';
import type { ModelName } from './create.js';

export interface Recipe {
  /** Of pixels in [0, 1]. */
  readonly mean: number;
  readonly std: number;
  readonly batchSize: number;
  readonly augment: Augmentation;
  readonly epochs: number;
  /** Top of a one-cycle schedule over all steps; `pctStart` of them rise. */
  readonly maxLr: number;
  readonly pctStart: number;
  /** Top of the schedule of quantization-aware training with AdamW, which begins with trained weights. */
  readonly qatLr: number;
  optimizer(params: Iterable<Tensor>): Optimizer;
}

const common = {
  mean: 0.286,
  std: 0.353,
  batchSize: 64,
  augment: {},
  epochs: 3,
  maxLr: 0.2,
  pctStart: 0.2,
  qatLr: 0.003,
  optimizer: (params: Iterable<Tensor>): Optimizer =>
    new SGD(params, { lr: 0.2, momentum: 0.9, nesterov: true, weightDecay: 5e-4 }),
};

/** Test accuracies with all 60,000 training images: README.md. */
export const RECIPES: Readonly<Record<ModelName, Recipe>> = {
  plain: { ...common, epochs: 4 },
  residual: common,
  depthwise: {
    ...common,
    optimizer: (params) => new SGD(params, { lr: 0.2, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  },
};
