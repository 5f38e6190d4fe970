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

const ptqs = (weightBits: number): QuantizedVariant[] => [
  ptq(weightBits, 'per-tensor'),
  ptq(weightBits, 'per-channel'),
];

/**
 * Every model at W8A8 and W4A8, QAT where it is of most interest: 8 bits on the plain network, 4 bits on those that suffer
 * from them. In this order the two longest jobs start first on two cores.
 */
export const PLAN: readonly ModelPlan[] = [
  { model: 'depthwise', variants: [...ptqs(8), ...ptqs(4), qat(4)] },
  { model: 'plain', variants: [...ptqs(8), qat(8), ...ptqs(4)] },
  { model: 'residual', variants: [...ptqs(8), ...ptqs(4), qat(4)] },
];

export interface Limits {
  /** Images to train on, and to test on and compare the codes of. */
  readonly train: number;
  readonly test: number;
  /** Of the test images, those that are looked at after every epoch. */
  readonly validation: number;
  readonly calibration: number;
  /** Epochs of float training: null for the recipe of the model. */
  readonly epochs: number | null;
  readonly qatEpochs: number;
}

export const FULL: Limits = {
  train: Infinity,
  test: Infinity,
  validation: 2000,
  calibration: 512,
  epochs: null,
  qatEpochs: 1,
};

/** A rehearsal: every step, few images, numbers that mean nothing. */
export const QUICK: Limits = {
  train: 1280,
  test: 500,
  validation: 100,
  calibration: 64,
  epochs: 1,
  qatEpochs: 1,
};
