/** What a report shows. Plain JSON: it can be written beside the page and rendered again. */
import type { HistogramGrid } from '../../analysis/index.js';

export interface Report {
  /** Name of the data set. */
  readonly dataset: string;
  readonly seed: number | string;
  readonly train_images: number;
  readonly test_images: number;
  readonly variants: readonly Variant[];
  readonly exactness: readonly Exactness[];
  readonly histograms?: readonly Histogram[];
  readonly curves?: readonly CurvePoint[];
  /** The machine the times were measured on, in words. */
  readonly machine: string;
  /** Version of Node. */
  readonly node: string;
  /** Wall-clock seconds of the whole run. */
  readonly elapsed_s: number;
}

/** One model as trained, or quantized in one way. */
export interface Variant {
  readonly name: string;
  readonly model: string;
  /** 32 for float. */
  readonly weight_bits: number;
  readonly activation_bits: number;
  /** `per-channel`, `per-tensor`; of the weights. */
  readonly granularity: string;
  /** `float`, `PTQ`, `QAT`, ... */
  readonly method: string;
  /** Correctly classified fraction of the test images, 0 to 1. */
  readonly top1: number;
  /** Size of the model file. */
  readonly bytes: number;
  readonly ms_per_image: number;
}

/** Integer codes of the fake-quantized forward pass against those of the integer runtime. */
export interface Exactness {
  readonly model: string;
  readonly weight_bits: number;
  readonly images: number;
  /** Tensors compared per image. */
  readonly tensors: number;
  readonly codes_compared: number;
  readonly codes_different: number;
  readonly backend?: string;
}

export interface Histogram {
  readonly title: string;
  readonly kind: 'weight' | 'activation';
  /** Values per bin. */
  readonly counts: readonly number[];
  /** Borders of the bins, ascending; one more than counts. */
  readonly edges: readonly number[];
  /** The real numbers that the codes stand for, ascending, or the parameters that give them. */
  readonly grid: readonly number[] | HistogramGrid;
  /** What the values are counted in; default: nothing, they are plain numbers. */
  readonly unit?: string;
}

/** The state after one epoch. */
export interface CurvePoint {
  readonly model: string;
  readonly epoch: number;
  /** Mean training loss of the epoch. */
  readonly loss: number;
  /** Fraction of the test images, 0 to 1. */
  readonly top1: number;
}
