/**
 * Batches of a data set: shuffled, augmented, normalised to float32 NHWC. What a batch holds is a function of the seed,
 * the epoch and the number of the batch alone, so a run is resumed by naming the batch to go on with.
 */
import { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { ArgumentError, DataError, NDArray, Random, type Seed } from '../core/index.js';
import { placements, type Augmentation, type Placement } from './augment.js';
import type { ArrayDataset } from './dataset.js';

export interface Batch {
  /** float32 [N, H, W, C] */
  readonly inputs: Tensor;
  /** int32 [N] */
  readonly targets: Tensor;
  readonly size: number;
}

/** Where a run stands: the next batch of an epoch, both counted from 0. Plain JSON, for a checkpoint. */
export interface Position {
  readonly epoch: number;
  readonly batch: number;
}

export interface LoaderOptions {
  /** Images per batch; default 64. */
  batchSize?: number;
  /** A new order every epoch; default false. */
  shuffle?: boolean;
  /** Default 0. */
  seed?: Seed;
  /** Leave out a last batch that is not full; default false. */
  dropLast?: boolean;
  augment?: Augmentation;
  /** Per channel, of pixels in [0, 1]; one value serves all channels. Default 0 and 1. */
  mean?: number | readonly number[];
  std?: number | readonly number[];
}

export class DataLoader {
  /** Batches per epoch. */
  readonly length: number;
  /** Images per epoch. */
  readonly imageCount: number;
  readonly batchSize: number;
  readonly #dataset: ArrayDataset;
  readonly #shuffle: boolean;
  readonly #seed: Seed;
  readonly #augment: Augmentation;
  /** Normalised value of each pixel value: [C, 256]. */
  readonly #table: Float32Array;
  #passes = 0;

  /** Throws ArgumentError for options out of range and DataError when `dropLast` leaves nothing. */
  constructor(dataset: ArrayDataset, options: LoaderOptions = {}) {
    const {
      batchSize = 64,
      shuffle = false,
      seed = 0,
      dropLast = false,
      augment = {},
      mean = 0,
      std = 1,
    } = options;
    checkWhole('batchSize', batchSize);
    this.#dataset = dataset;
    this.batchSize = batchSize;
    this.#shuffle = shuffle;
    this.#seed = seed;
    this.#augment = augment;
    const batches = dataset.length / batchSize;
    this.length = dropLast ? Math.floor(batches) : Math.ceil(batches);
    this.imageCount = dropLast ? this.length * batchSize : dataset.length;
    if (this.length === 0)
      throw new DataError(
        `dropLast: ${dataset.length} images do not fill one batch of ${batchSize}; use a smaller batchSize`,
      );
    this.#table = normalizationTable(dataset.imageShape[2], mean, std);
    placements(augment, dataset.imageShape, 1, new Random(0)); // checks the augmentation
  }

  /** Each pass over the loader is the next epoch. */
  [Symbol.iterator](): Generator<Batch> {
    return this.batches({ epoch: this.#passes++, batch: 0 });
  }

  /** The batches of one epoch from a position on; the same position always gives the same bits. */
  *batches(position: Position = { epoch: 0, batch: 0 }): Generator<Batch> {
    const { epoch, batch } = checkPosition(position, this.length);
    const n = this.#dataset.length;
    const order = this.#shuffle ? new Random(`${this.#seed}:${epoch}`).permutation(n) : null;
    for (let b = batch; b < this.length; b++) {
      const start = b * this.batchSize;
      const count = Math.min(this.batchSize, n - start);
      const indices =
        order?.subarray(start, start + count) ?? Int32Array.from({ length: count }, (_, i) => start + i);
      yield this.#collate(indices, new Random(`${this.#seed}:${epoch}:${b}`));
    }
  }

  #collate(indices: Int32Array, random: Random): Batch {
    const { images, labels, imageShape } = this.#dataset;
    const [height, width, channels] = imageShape;
    const { outHeight, outWidth, items } = placements(this.#augment, imageShape, indices.length, random);
    const inputs = NDArray.zeros([indices.length, outHeight, outWidth, channels], 'float32');
    const targets = NDArray.zeros([indices.length], 'int32');
    const inSize = height * width * channels;
    const outSize = outHeight * outWidth * channels;
    items.forEach((placement, i) => {
      const from = images.data.subarray(indices[i] * inSize, (indices[i] + 1) * inSize);
      const to = inputs.data.subarray(i * outSize, (i + 1) * outSize);
      copyImage(from, imageShape, to, outHeight, outWidth, placement, this.#table);
      targets.data[i] = labels.data[indices[i]];
    });
    return { inputs: new Tensor(inputs), targets: new Tensor(targets), size: indices.length };
  }
}

function checkPosition(position: Position, length: number): Position {
  const { epoch, batch } = position;
  if (!Number.isInteger(epoch) || epoch < 0 || !Number.isInteger(batch) || batch < 0 || batch >= length)
    throw new ArgumentError(
      `position: epoch ${epoch}, batch ${batch} does not exist; an epoch has batches 0 to ${length - 1}`,
    );
  return { epoch, batch };
}

/** `(v / 255 - mean) / std` of every pixel value v and channel. */
function normalizationTable(
  channels: number,
  mean: number | readonly number[],
  std: number | readonly number[],
): Float32Array {
  const perChannel = (name: string, v: number | readonly number[]): readonly number[] => {
    const list = typeof v === 'number' ? new Array<number>(channels).fill(v) : v;
    if (list.length !== channels || !list.every(Number.isFinite))
      throw new ArgumentError(
        `${name}: [${list.join(', ')}] must be ${channels} finite numbers, one per channel`,
      );
    return list;
  };
  const means = perChannel('mean', mean);
  const stds = perChannel('std', std);
  if (!stds.every((s) => s > 0)) throw new ArgumentError(`std: [${stds.join(', ')}] must be > 0`);
  return Float32Array.from({ length: channels * 256 }, (_, i) => {
    const c = i >> 8;
    return ((i & 255) / 255 - means[c]) / stds[c];
  });
}

/** Output pixel (y, x) is input pixel (y + top, x + left), mirrored where asked; black outside the image. */
function copyImage(
  from: Uint8Array,
  [height, width, channels]: readonly number[],
  to: Float32Array,
  outHeight: number,
  outWidth: number,
  { top, left, mirror }: Placement,
  table: Float32Array,
): void {
  let out = 0;
  for (let y = 0; y < outHeight; y++) {
    const sy = y + top;
    const row = sy * width;
    for (let x = 0; x < outWidth; x++) {
      const sx = (mirror ? outWidth - 1 - x : x) + left;
      const inside = sy >= 0 && sy < height && sx >= 0 && sx < width;
      const at = (row + sx) * channels;
      for (let c = 0; c < channels; c++) to[out++] = table[(c << 8) + (inside ? from[at + c] : 0)];
    }
  }
}
