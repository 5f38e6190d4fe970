/** Rearranges the pixels of NHWC images by a table per axis: output pixel (i, j) is input pixel (rows[i], columns[j]). */
import { NDArray } from '../core/index.js';
import { floats } from './checks.js';

export interface PixelMap {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
}

export function pickPixels(x: NDArray, { rows, columns }: PixelMap): NDArray {
  const [batch, height, width, channels] = x.shape;
  const y = NDArray.zeros([batch, rows.length, columns.length, channels], x.dtype);
  const from = floats(x);
  const to = floats(y);
  let out = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.length; i++)
      for (let j = 0; j < columns.length; j++) {
        const at = ((n * height + rows[i]) * width + columns[j]) * channels;
        for (let c = 0; c < channels; c++) to[out++] = from[at + c];
      }
  return y;
}

/** The gradient of {@link pickPixels}: sums what each pixel of x was copied to. */
export function sumPixels(grad: NDArray, x: NDArray, { rows, columns }: PixelMap): NDArray {
  const [batch, height, width, channels] = x.shape;
  const dx = NDArray.like(x);
  const g = floats(grad);
  const to = floats(dx);
  let from = 0;
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < rows.length; i++)
      for (let j = 0; j < columns.length; j++) {
        const at = ((n * height + rows[i]) * width + columns[j]) * channels;
        for (let c = 0; c < channels; c++) to[at + c] += g[from++];
      }
  return dx;
}
