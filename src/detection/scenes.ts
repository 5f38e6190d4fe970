/**
 * Semi-synthetic scenes: real small pictures, such as the clothes of Fashion-MNIST, cut out and pasted on drawn canvases, so
 * that every box is exact (cut and paste: Dwibedi et al. 2017, arXiv:1708.01642). All that is random comes from a seed.
 */
import { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { ArgumentError, NDArray, Random, ShapeError, type Seed } from '../core/index.js';
import { type ArrayDataset, type Batch, type Image, type Position } from '../data/index.js';
import { areaOf, commonArea, type LabeledBox } from './boxes.js';
import { paintCanvas } from './canvas.js';
import { encodeTargets } from './targets.js';

export interface SceneOptions {
  /** Height and width in pixels; default 96. */
  readonly size?: number;
  /** Least and most objects; default 1 to 4. One for which no room is found is left out. */
  readonly objects?: readonly [number, number];
  /** Least and most pixels of the longer side of an object; default 24 to 56. */
  readonly sides?: readonly [number, number];
  /** Largest share of the smaller of two boxes that the other may cover; default 0.2. */
  readonly overlap?: number;
}

export interface Scene {
  /** [size, size, 1] */
  readonly image: Image;
  /** In pixels; of whole numbers. */
  readonly objects: readonly LabeledBox[];
}

/** Of 255: fainter pixels at the rim of a picture are not part of the object. */
const RIM = 24;
/** Places that are tried for an object. */
const TRIES = 20;

/** The part of a picture [H, W, 1] that is not black. Null where there is none. */
function cutOut(pixels: Uint8Array, height: number, width: number): Image | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (pixels[y * width + x] < RIM) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    }
  if (left >= right) return null;
  const out = NDArray.zeros([bottom - top, right - left, 1], 'uint8');
  for (let y = top; y < bottom; y++)
    out.data.set(pixels.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  return out;
}

/** Draws scenes from a data set of pictures with one channel. */
export class SceneSource {
  readonly size: number;
  readonly #pictures: ArrayDataset;
  readonly #options: Required<SceneOptions>;

  /** Throws ShapeError for coloured pictures and ArgumentError for options out of range. */
  constructor(pictures: ArrayDataset, options: SceneOptions = {}) {
    const { size = 96, objects = [1, 4], sides = [24, 56], overlap = 0.2 } = options;
    if (pictures.imageShape[2] !== 1)
      throw new ShapeError(`pictures: have ${pictures.imageShape[2]} channels; give grey ones`);
    if (!(Number.isInteger(size) && size > 0))
      throw new ArgumentError(`size: ${size} is no number of pixels`);
    for (const [name, [low, high], most] of [
      ['objects', objects, Infinity],
      ['sides', sides, size],
    ] as const)
      if (!(Number.isInteger(low) && Number.isInteger(high) && low >= 1 && low <= high && high <= most))
        throw new ArgumentError(
          `${name}: [${low}, ${high}] must be whole numbers from 1 on, the smaller first${most < Infinity ? `, up to ${most}` : ''}`,
        );
    this.size = size;
    this.#pictures = pictures;
    this.#options = { size, objects, sides, overlap };
  }

  /** The same state of `random` gives the same scene. */
  draw(random: Random): Scene {
    const { size, objects: range } = this.#options;
    const canvas = paintCanvas(size, random);
    const wanted = range[0] + random.int(range[1] - range[0] + 1);
    const objects: LabeledBox[] = [];
    for (let i = 0; i < wanted; i++) {
      const object = this.#paste(canvas, objects, random);
      if (object !== null) objects.push(object);
    }
    const image = NDArray.zeros([size, size, 1], 'uint8');
    for (let i = 0; i < canvas.length; i++) image.data[i] = Math.min(Math.max(canvas[i] + 0.5, 0), 255);
    return { image, objects };
  }

  #paste(canvas: Float32Array, others: readonly LabeledBox[], random: Random): LabeledBox | null {
    const { size, sides, overlap } = this.#options;
    const [height, width] = this.#pictures.imageShape;
    const index = random.int(this.#pictures.length);
    const pixels = this.#pictures.images.data.subarray(index * height * width, (index + 1) * height * width);
    const object = cutOut(pixels, height, width);
    if (object === null) return null;
    const [rows, columns] = object.shape;
    const scale = random.uniform(sides[0], sides[1]) / Math.max(rows, columns);
    const [h, w] = [rows, columns].map((n) => Math.max(Math.floor(n * scale), 2));
    const mirror = random.int(2) === 1;
    const brightness = random.uniform(0.5, 1);
    for (let i = 0; i < TRIES; i++) {
      const [left, top] = [random.int(size - w + 1), random.int(size - h + 1)];
      const label = this.#pictures.labels.data[index];
      const box = { label, left, top, right: left + w, bottom: top + h };
      const covered = (o: LabeledBox): number => commonArea(box, o) / Math.min(areaOf(box), areaOf(o));
      if (!others.every((other) => covered(other) <= overlap)) continue;
      blend(canvas, size, resample(object, h, w), box, mirror, brightness);
      return box;
    }
    return null;
  }
}

/** Where the two places in each pixel of a new size lie in the old one: between `low` and `high`, `part` of the way. */
function places(from: number, to: number): { low: Int32Array; high: Int32Array; part: Float64Array } {
  const low = new Int32Array(2 * to);
  const high = new Int32Array(2 * to);
  const part = new Float64Array(2 * to);
  for (let i = 0; i < 2 * to; i++) {
    const at = Math.min(Math.max(((i + 0.5) / 2 / to) * from - 0.5, 0), from - 1);
    low[i] = Math.floor(at);
    high[i] = Math.ceil(at);
    part[i] = at - low[i];
  }
  return { low, high, part };
}

/**
 * Another size, by the mean of 2 x 2 places in each pixel, mixed from neighbours; for sizes from half of the old one on. Takes
 * 0.04 ms where `resizeImage`, which goes through ops, takes 0.1, two or three times in each scene.
 */
function resample({ shape: [rows, columns], data }: Image, height: number, width: number): Float32Array {
  const out = new Float32Array(height * width);
  const down = places(rows, height);
  const { low, high, part } = places(columns, width);
  for (let y = 0; y < 2 * height; y++) {
    const above = down.low[y] * columns;
    const below = down.high[y] * columns;
    const lower = down.part[y];
    for (let x = 0; x < 2 * width; x++) {
      const left = low[x];
      const right = high[x];
      const later = part[x];
      const upper = data[above + left] * (1 - later) + data[above + right] * later;
      const under = data[below + left] * (1 - later) + data[below + right] * later;
      out[(y >> 1) * width + (x >> 1)] += (upper * (1 - lower) + under * lower) / 4;
    }
  }
  return out;
}

/** Black is transparent; what is brighter than the rim covers what lies below. */
function blend(
  canvas: Float32Array,
  size: number,
  object: Float32Array,
  { left, top, right, bottom }: LabeledBox,
  mirror: boolean,
  brightness: number,
): void {
  let at = 0;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const value = object[at++];
      const cover = Math.min(value / (2 * RIM), 1);
      const to = y * size + (mirror ? left + right - 1 - x : x);
      canvas[to] += cover * (brightness * value - canvas[to]);
    }
}

export interface SceneLoaderOptions {
  /** Scenes of an epoch. */
  readonly scenes: number;
  /** Default 32. */
  readonly batchSize?: number;
  /** Default 0. */
  readonly seed?: Seed;
  /** New scenes in every epoch (default), or the same ones again: for validation. */
  readonly fresh?: boolean;
}

/**
 * Batches of scenes for `fit`: inputs [N, size, size, 1] in [-1, 1], targets of {@link encodeTargets}. A scene is a function of
 * seed, epoch and its number, so a run resumes where it stopped.
 */
export class SceneLoader {
  readonly length: number;
  readonly imageCount: number;
  readonly #source: SceneSource;
  readonly #options: Required<SceneLoaderOptions>;

  constructor(source: SceneSource, options: SceneLoaderOptions) {
    const { scenes, batchSize = 32, seed = 0, fresh = true } = options;
    checkWhole('scenes', scenes);
    checkWhole('batchSize', batchSize);
    this.#source = source;
    this.#options = { scenes, batchSize, seed, fresh };
    this.length = Math.ceil(scenes / batchSize);
    this.imageCount = scenes;
  }

  /** Scene `index` of an epoch. */
  scene(index: number, epoch = 0): Scene {
    const { seed, fresh } = this.#options;
    return this.#source.draw(new Random(`${seed}/${fresh ? epoch : 0}/${index}`));
  }

  *batches({ epoch, batch }: Position = { epoch: 0, batch: 0 }): Generator<Batch> {
    const { scenes, batchSize } = this.#options;
    for (let start = batch * batchSize; start < scenes; start += batchSize) {
      const count = Math.min(batchSize, scenes - start);
      yield sceneBatch(Array.from({ length: count }, (_, i) => this.scene(start + i, epoch)));
    }
  }

  /** Those of the first epoch. */
  [Symbol.iterator](): Generator<Batch> {
    return this.batches();
  }
}

/** Scenes of one size as a batch. */
export function sceneBatch(scenes: readonly Scene[]): Batch {
  const inputs = NDArray.zeros([scenes.length, ...scenes[0].image.shape], 'float32');
  scenes.forEach(({ image }, n) => {
    for (let i = 0; i < image.size; i++) inputs.data[n * image.size + i] = (image.data[i] - 127.5) / 127.5;
  });
  const targets = encodeTargets(scenes.map(({ objects }) => objects));
  return { inputs: new Tensor(inputs), targets, size: scenes.length };
}
