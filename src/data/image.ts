/** Images as arrays [height, width, channels] of bytes, and as what a network takes. */
import { roundHalfEven } from '../../kernels/index.js';
import { noGrad, Tensor } from '../autograd/index.js';
import { ArgumentError, formatShape, NDArray, type Shape } from '../core/index.js';
import { adaptiveAvgPool2d, upsampleBilinear2d } from '../ops/index.js';

export type Image = NDArray<'uint8'>;

/**
 * An image of another size, as floats in [0, 255], [1, height, width, channels]: means of pixels where it gets smaller, mixes
 * of neighbours where it gets larger.
 */
export function resizeImage(image: Image, height: number, width: number): NDArray<'float32'> {
  const [rows, columns, channels] = image.shape;
  const x = new Tensor(new NDArray(Float32Array.from(image.data), [1, rows, columns, channels]));
  return noGrad(() => {
    const smaller = adaptiveAvgPool2d(x, [Math.min(rows, height), Math.min(columns, width)]);
    return upsampleBilinear2d(smaller, { size: [height, width] }).value as NDArray<'float32'>;
  });
}

/** Where a picture lies in the input of a network that has other proportions. */
export interface Letterbox {
  /** [1, height, width, channels], normalised; what the picture does not cover is the mean, 0. */
  readonly input: NDArray<'float32'>;
  /** From shares of the input to pixels of the picture. */
  toPicture(x: number, y: number): readonly [x: number, y: number];
}

/**
 * A picture scaled to fit into an input, in its middle.
 *
 * @param shape [1, height, width, channels] of the input; one channel gets the mean of red, green and blue
 * @param mean of pixels in [0, 1]: `(pixel - mean) / std`
 */
export function letterbox(image: Image, shape: Shape, mean: number, std: number): Letterbox {
  const [batch, height, width, channels] = shape;
  const [rows, columns, depth] = image.shape;
  if (shape.length !== 4 || batch !== 1 || (channels !== depth && channels !== 1))
    throw new ArgumentError(
      `shape: a picture ${formatShape(image.shape)} does not go into ${formatShape(shape)}`,
    );
  const scale = Math.min(height / rows, width / columns);
  const [h, w] = [rows, columns].map((size) => Math.max(roundHalfEven(size * scale), 1));
  const [top, left] = [Math.floor((height - h) / 2), Math.floor((width - w) / 2)];
  const small = resizeImage(image, h, w).data;
  const input = NDArray.zeros(shape, 'float32');
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const from = (y * w + x) * depth;
      const to = ((y + top) * width + x + left) * channels;
      for (let c = 0; c < channels; c++) {
        let v = small[from + c];
        if (channels < depth) v = (small[from] + small[from + 1] + small[from + 2]) / 3;
        input.data[to + c] = (v / 255 - mean) / std;
      }
    }
  return {
    input,
    toPicture: (x, y) => [((x * width - left) / w) * columns, ((y * height - top) / h) * rows],
  };
}
