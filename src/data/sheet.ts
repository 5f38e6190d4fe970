/** Pictures side by side. */
import { checkWhole } from '../core/checks.js';
import { ArgumentError, formatShape, NDArray, sameShape, ShapeError } from '../core/index.js';
import type { Image } from './image.js';

/** A picture of one or three channels in colour, each pixel a square of `factor` x `factor`: for looking at small ones. */
export function enlarge(image: Image, factor: number): Image {
  const [height, width, channels] = image.shape;
  checkWhole('factor', factor);
  if (image.rank !== 3 || (channels !== 1 && channels !== 3))
    throw new ShapeError(`image: has shape ${formatShape(image.shape)}; give [height, width, 1 or 3]`);
  const out = NDArray.zeros([height * factor, width * factor, 3], 'uint8');
  let to = 0;
  for (let y = 0; y < height * factor; y++)
    for (let x = 0; x < width * factor; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * channels;
      for (let c = 0; c < 3; c++) out.data[to++] = image.data[from + (channels === 3 ? c : 0)];
    }
  return out;
}

/**
 * Pictures [height, width, 3] of one size in rows of `columns`, white between them and where the last row is not full.
 * Throws ArgumentError for no pictures, ShapeError for pictures of different sizes.
 */
export function contactSheet(images: readonly Image[], columns: number): Image {
  if (images.length === 0) throw new ArgumentError('images: none were given; give at least one');
  checkWhole('columns', columns);
  const [height, width] = images[0].shape;
  const odd = images.find(({ shape }) => !sameShape(shape, [height, width, 3]));
  if (odd !== undefined)
    throw new ShapeError(
      `images: one has shape ${formatShape(odd.shape)}; all of them must be ${formatShape([height, width, 3])}`,
    );
  const gap = Math.max(Math.floor(width / 50), 4);
  const rows = Math.ceil(images.length / columns);
  const total = columns * (width + gap) - gap;
  const out = NDArray.full([rows * (height + gap) - gap, total, 3], 255, 'uint8');
  images.forEach(({ data }, i) => {
    const top = Math.floor(i / columns) * (height + gap);
    const left = (i % columns) * (width + gap);
    for (let y = 0; y < height; y++)
      out.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * total + left));
  });
  return out;
}
