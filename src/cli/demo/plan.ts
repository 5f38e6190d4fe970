/** What the demo trains and how it quantizes it. */
import type { Granularity } from '../../quant/index.js';
import type { ModelName } from '../../models/index.js';

export interface QuantizedVariant {
  readonly method: 'PTQ' | 'QAT';
  readonly weightBits: number;
  readonly granularity: Granularity;
}

export interface ModelPlan {
  readonly model: ModelName;
  readonly variants: readonly QuantizedVariant[];
}

const ptq = (weightBits: number, granularity: Granularity): QuantizedVariant => ({
  method: 'PTQ',
  weightBits,
  granularity,
});
const qat = (weightBits: number): QuantizedVariant => ({
  method: 'QAT',
  weightBits,
  granularity: 'per-channel',
});

const eachWay = (weightBits: number): QuantizedVariant[] => [
  ptq(weightBits, 'per-tensor'),
  ptq(weightBits, 'per-channel'),
  qat(weightBits),
];

/** Every model at W8A8 and W4A8. In this order the two longest jobs start first on two cores. */
export const PLAN: readonly ModelPlan[] = [
  { model: 'plain', variants: [...eachWay(8), ...eachWay(4)] },
  { model: 'depthwise', variants: [...eachWay(8), ...eachWay(4)] },
  { model: 'residual', variants: [...eachWay(8), ...eachWay(4)] },
];

export interface Limits {
  /** Training images, test images, images whose codes are compared. */
  readonly train: number;
  readonly test: number;
  readonly exactness: number;
  readonly calibration: number;
  /** Epochs of float training: null for the recipe of the model. */
  readonly epochs: number | null;
  readonly qatEpochs: number;
}

export const FULL: Limits = {
  train: Infinity,
  test: Infinity,
  exactness: Infinity,
  calibration: 512,
  epochs: null,
  qatEpochs: 1,
};

/** A rehearsal: every step, few images, numbers that mean nothing. */
export const QUICK: Limits = {
  train: 1280,
  test: 500,
  exactness: 100,
  calibration: 64,
  epochs: 1,
  qatEpochs: 1,
};
