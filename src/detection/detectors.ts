/** Face detectors whose outputs are known: how an image goes in, and how scores and offsets become boxes. */
import { GraphError, type NDArray } from '../core/index.js';
import { nonMaximumSuppression, type Detection } from './boxes.js';

export interface Detector {
  readonly name: string;
  /** Of pixels in [0, 1]: `(pixel - mean) / std`. */
  readonly mean: number;
  readonly std: number;
  /** From the outputs of one image to boxes, in shares of the width and height of the input. */
  decode(outputs: readonly NDArray[], threshold: number): Detection[];
}

const OVERLAP = 0.3;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The outputs whose last axis has `size`, in their order. */
function withLast(outputs: readonly NDArray[], size: number, count: number, model: string): NDArray[] {
  const found = outputs.filter((o) => o.shape[o.rank - 1] === size);
  if (found.length !== count)
    throw new GraphError(
      `${model}: ${found.length} outputs have ${size} numbers per anchor, not ${count}; this is another model`,
    );
  return found;
}

/**
 * MediaPipe's face detector (Bazarevsky et al. 2019, arXiv:1907.05047). Grids of anchors: 2 in every cell of the finer one, 6
 * of the coarser; offsets and sizes in pixels of the input, which is 128 (front camera) or 256 pixels wide.
 */
export const blazeface: Detector = {
  name: 'blazeface',
  mean: 0.5,
  std: 0.5,
  decode(outputs, threshold) {
    const scores = withLast(outputs, 1, 2, 'blazeface');
    const boxes = withLast(outputs, 16, 2, 'blazeface');
    const found: Detection[] = [];
    scores.forEach(({ data: score, size }, level) => {
      const perCell = level === 0 ? 2 : 6;
      const cells = Math.sqrt(size / perCell);
      const width = level === 0 ? cells * 8 : cells * 16;
      const offsets = boxes[level].data;
      for (let i = 0; i < size; i++) {
        const confidence = sigmoid(score[i]);
        if (confidence < threshold) continue;
        const cell = Math.floor(i / perCell);
        const [dx, dy, w, h] = [0, 1, 2, 3].map((k) => offsets[16 * i + k] / width);
        const x = ((cell % cells) + 0.5) / cells + dx;
        const y = (Math.floor(cell / cells) + 0.5) / cells + dy;
        found.push({
          left: x - w / 2,
          top: y - h / 2,
          right: x + w / 2,
          bottom: y + h / 2,
          score: confidence,
        });
      }
    });
    return nonMaximumSuppression(found, OVERLAP);
  },
};

/** Detectors in the manner of UltraFace: scores [n, 2] after softmax, boxes [n, 4] as corners in shares of the image. */
export const ultraface: Detector = {
  name: 'ultraface',
  mean: 127 / 255,
  std: 128 / 255,
  decode(outputs, threshold) {
    const [{ data: scores, size }] = withLast(outputs, 2, 1, 'ultraface');
    const [{ data: boxes }] = withLast(outputs, 4, 1, 'ultraface');
    const found: Detection[] = [];
    for (let i = 0; i < size / 2; i++) {
      const score = scores[2 * i + 1];
      if (score < threshold) continue;
      const [left, top, right, bottom] = boxes.subarray(4 * i, 4 * i + 4);
      found.push({ left, top, right, bottom, score });
    }
    return nonMaximumSuppression(found, OVERLAP);
  },
};

export const DETECTORS = { blazeface, ultraface } as const;
export type DetectorName = keyof typeof DETECTORS;
