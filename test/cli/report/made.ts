/** A made-up report with everything in it, also what has to be escaped. */
import { Random } from '../../../src/core/random.js';
import type { Histogram, Report, Variant } from '../../../src/cli/report/types.js';

const random = new Random('made-up report');

function histogram(title: string, kind: 'weight' | 'activation', grid: Histogram['grid']): Histogram {
  const [low, high] = kind === 'weight' ? [-0.42, 0.47] : [0, 6];
  const bins = 96;
  const edges = Array.from({ length: bins + 1 }, (_, i) => low + ((high - low) * i) / bins);
  const counts = edges.slice(1).map((edge) => {
    const x = edge - (high - low) / bins / 2;
    const density =
      kind === 'weight' ? Math.exp(-((x / 0.11) ** 2) / 2) : Math.exp(-x * 1.3) + (x < 0.07 ? 4 : 0);
    return Math.floor(density * 4000 * random.uniform(0.85, 1.15));
  });
  return { title, kind, counts, edges, grid };
}

const models: [string, number, number, number][] = [
  ['small CNN', 0.9123, 412_000, 1.21],
  ['depthwise-separable <net>', 0.8987, 121_000, 0.84],
];
const variant = (
  model: string,
  name: string,
  bits: [number, number],
  rest: [string, string],
  numbers: number[],
): Variant => ({
  model,
  name,
  weight_bits: bits[0],
  activation_bits: bits[1],
  granularity: rest[0],
  method: rest[1],
  top1: numbers[0],
  bytes: numbers[1],
  ms_per_image: numbers[2],
});

export const made: Report = {
  dataset: 'Fashion & MNIST',
  seed: 7,
  train_images: 20_000,
  test_images: 10_000,
  variants: models.flatMap(([m, top1, bytes, ms]) => [
    variant(m, 'float32', [32, 32], ['', 'float'], [top1, bytes, ms]),
    variant(
      m,
      'int8 per tensor, PTQ',
      [8, 8],
      ['per-tensor', 'PTQ'],
      [top1 - 0.0061, bytes / 3.97, ms * 0.41],
    ),
    variant(
      m,
      'int8 per channel, PTQ',
      [8, 8],
      ['per-channel', 'PTQ'],
      [top1 - 0.0009, bytes / 3.94, ms * 0.42],
    ),
    variant(
      m,
      'int8 per channel, QAT',
      [8, 8],
      ['per-channel', 'QAT'],
      [top1 + 0.0007, bytes / 3.94, ms * 0.42],
    ),
    variant(
      m,
      'int4 per channel, PTQ',
      [4, 8],
      ['per-channel', 'PTQ'],
      [top1 - 0.0534, bytes / 7.6, ms * 0.43],
    ),
    variant(
      m,
      'int4 per channel, QAT',
      [4, 8],
      ['per-channel', 'QAT'],
      [top1 - 0.0103, bytes / 7.6, ms * 0.43],
    ),
  ]),
  exactness: models.flatMap(([model]) =>
    [8, 4].map((weight_bits) => ({
      model,
      weight_bits,
      images: 1000,
      tensors: 9,
      codes_compared: 28_714_000 + weight_bits,
      codes_different: 0,
      backend: 'js',
    })),
  ),
  histograms: [
    histogram('conv1, weights, int8', 'weight', {
      scale: 0.0037,
      zeroPoint: 0,
      quantMin: -127,
      quantMax: 127,
    }),
    histogram('conv1, weights, int4', 'weight', { scale: 0.044, zeroPoint: 0, quantMin: -7, quantMax: 7 }),
    histogram('relu1, activations, int8', 'activation', {
      scale: 0.019,
      zeroPoint: -128,
      quantMin: -128,
      quantMax: 127,
    }),
    histogram('relu2, activations, 9 points', 'activation', [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]),
  ],
  curves: models.flatMap(([model, top1]) =>
    Array.from({ length: 8 }, (_, i) => ({
      model,
      epoch: i + 1,
      loss: 0.25 + 0.6 * Math.exp(-i / 2) + random.uniform(0, 0.02),
      top1: top1 - 0.12 * Math.exp(-i / 1.6) + random.uniform(-0.003, 0.003),
    })),
  ),
  machine: 'AMD EPYC 7763 64-Core Processor, 2 of its cores',
  node: 'v20.20.2',
  elapsed_s: 754.2,
};
