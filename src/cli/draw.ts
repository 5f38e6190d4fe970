/** Boxes on pictures, and pictures side by side. */
import { NDArray } from '../core/index.js';
import type { Image } from '../data/index.js';
import type { Box } from '../detection/index.js';
import { roundHalfEven } from '../../kernels/index.js';

export type Color = readonly [red: number, green: number, blue: number];

/** A copy of the picture with the outlines of boxes, in pixels; what lies outside is cut off. */
export function drawBoxes(image: Image, boxes: readonly Box[], color: Color): Image {
  const out = image.clone();
  const [height, width] = image.shape;
  const line = Math.max(Math.floor(Math.max(height, width) / 300), 2);
  const fill = (left: number, top: number, right: number, bottom: number): void => {
    for (let y = Math.max(top, 0); y < Math.min(bottom, height); y++)
      for (let x = Math.max(left, 0); x < Math.min(right, width); x++)
        out.data.set(color, 3 * (y * width + x));
  };
  for (const box of boxes) {
    const [left, top, right, bottom] = [box.left, box.top, box.right, box.bottom].map(roundHalfEven);
    fill(left, top, right, top + line);
    fill(left, bottom - line, right, bottom);
    fill(left, top, left + line, bottom);
    fill(right - line, top, right, bottom);
  }
  return out;
}

/** Two pictures of one size, a white gap between them. */
export function sideBySide(a: Image, b: Image): Image {
  const [height, width] = a.shape;
  const gap = Math.max(Math.floor(width / 50), 4);
  const total = 2 * width + gap;
  const out = NDArray.full([height, total, 3], 255, 'uint8');
  for (let y = 0; y < height; y++) {
    out.data.set(a.data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * y * total);
    out.data.set(b.data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * (y * total + width + gap));
  }
  return out;
}
