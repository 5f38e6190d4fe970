/** Boxes on pictures. */
import { roundHalfEven } from '../../kernels/index.js';
import type { Image } from '../data/index.js';
import type { Box } from './boxes.js';

export type Color = readonly [red: number, green: number, blue: number];

/** A copy of a picture [height, width, 3] with the outlines of boxes, in pixels; what lies outside is cut off. */
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
