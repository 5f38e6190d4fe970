/** What an experiment is made of: units, each a pure function of its settings. */
import type { Graph } from '../../src/graph/index.js';
import type { IdxFolder } from '../../src/node/index.js';

/** Widths of weights and activations, such as W4A8. */
export interface Bits {
  readonly weightBits: number;
  readonly activationBits: number;
}

/** What the units of a run have in common; part of the settings of each. */
export interface Sizes {
  /** Images of float training. */
  readonly train: number;
  /** Epochs of float training; null: those of the network's recipe. */
  readonly epochs: number | null;
  /** Images that accuracy and codes are taken from. */
  readonly test: number;
  /** Images without labels for calibration and all that needs no training. */
  readonly calibration: number;
  /** Images of quantization-aware training, one epoch. */
  readonly qat: number;
  /** Steps per layer. */
  readonly adaround: number;
  /** Epochs of training in float after pruning, on the images of `train`. */
  readonly finetune: number;
}

/** One measurement. Its result depends on nothing but these fields and the data. */
export interface Unit {
  readonly suite: string;
  /** Of the suite: raised when its units compute something else, so that old results are not taken for new ones. */
  readonly version: number;
  /** A name of `src/models`, or of an imported network. */
  readonly network: string;
  readonly seed: number;
  /** What distinguishes units of a suite; the row of a table. */
  readonly variant: string;
  /** Null: in float. */
  readonly bits: Bits | null;
  readonly sizes: Sizes;
  /** Units whose model files this one begins with. */
  readonly needs: readonly Unit[];
}

export interface Measured {
  /** Correctly classified fraction of the test images, by the integer runtime where there are bits; null: no classifier. */
  readonly top1: number | null;
  /** Codes of the module and of the runtime; 0 of 0 in float. */
  readonly codesCompared: number;
  readonly codesDifferent: number;
  /** Of the model file, and of it after gzip; null where the size is of no interest. */
  readonly bytes: number | null;
  readonly gzip: number | null;
  /** Other figures of a suite, by name. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly measured: Measured;
  /** The model file, where other units or the timing read it. */
  readonly model: Uint8Array | null;
}

/** A measurement with what it took; seconds are all that two runs differ in. */
export interface Result extends Measured {
  readonly unit: Unit;
  readonly seconds: number;
}

/** One file of `suites/`. */
export interface Suite {
  readonly name: string;
  units(seed: number, sizes: Sizes): Unit[];
  /** @param models the graphs of `unit.needs` */
  run(unit: Unit, models: readonly Graph[], data: Data): Promise<Outcome>;
}

export type Data = Pick<IdxFolder, 'train' | 'test'>;

export const bitsName = (bits: Bits | null): string =>
  bits === null ? 'float' : `W${bits.weightBits}A${bits.activationBits}`;

export const W8A8: Bits = { weightBits: 8, activationBits: 8 };
export const W4A8: Bits = { weightBits: 4, activationBits: 8 };
export const W4A4: Bits = { weightBits: 4, activationBits: 4 };
export const W2A4: Bits = { weightBits: 2, activationBits: 4 };
