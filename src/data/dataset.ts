/** A data set in memory: 8-bit images and their class labels. */
import { DataError, formatShape, NDArray, type Shape } from '../core/index.js';

/** Images [N, H, W, C] of bytes and labels [N]. */
export class ArrayDataset {
  readonly images: NDArray<'uint8'>;
  readonly labels: NDArray<'int32'>;
  /** Labels lie in [0, classes). */
  readonly classes: number;

  /**
   * @param images uint8, [N, H, W, C], or [N, H, W] for one channel; the data is shared
   * @param labels whole numbers [N]; copied into int32
   * @param options.classes default: the largest label + 1
   * @throws DataError when the set is empty, the counts differ, or a label is out of range
   */
  constructor(images: NDArray, labels: NDArray, options: { classes?: number } = {}) {
    if (images.dtype !== 'uint8' || (images.rank !== 3 && images.rank !== 4))
      throw new DataError(
        `images: ${images.dtype} ${formatShape(images.shape)} are no images; give uint8 [N, H, W, C] or [N, H, W]`,
      );
    if (labels.rank !== 1)
      throw new DataError(`labels: shape ${formatShape(labels.shape)} is no list of labels; give [N]`);
    const [count] = images.shape;
    if (images.size === 0 || labels.size === 0)
      throw new DataError(
        `images: the data set is empty (${formatShape(images.shape)}); give at least one image`,
      );
    if (labels.size !== count)
      throw new DataError(`labels: ${labels.size} labels for ${count} images; there must be one for each`);
    this.images = (images as NDArray<'uint8'>).reshape(
      images.rank === 3 ? [...images.shape, 1] : images.shape,
    );
    this.labels = labels.astype('int32');
    this.classes = options.classes ?? this.labels.data.reduce((a, b) => Math.max(a, b), 0) + 1;
    const wrong = labels.data.findIndex((v, i) => v !== this.labels.data[i] || v < 0 || v >= this.classes);
    if (wrong >= 0)
      throw new DataError(
        `labels: label ${labels.data[wrong]} of image ${wrong} is no class; use whole numbers in [0, ${this.classes})`,
      );
  }

  get length(): number {
    return this.images.shape[0];
  }

  /** [H, W, C] */
  get imageShape(): Shape {
    return this.images.shape.slice(1);
  }

  /** Images `start` to `end` (exclusive, default all the rest) as a data set that shares the pixels. */
  slice(start: number, end = this.length): ArrayDataset {
    const size = this.images.size / this.length;
    const [from, to] = [Math.max(0, start), Math.min(end, this.length)];
    const count = Math.max(0, to - from);
    return new ArrayDataset(
      new NDArray<'uint8'>(this.images.data.subarray(from * size, (from + count) * size), [
        count,
        ...this.imageShape,
      ]),
      new NDArray<'int32'>(this.labels.data.subarray(from, from + count), [count]),
      { classes: this.classes },
    );
  }
}
