/** From the outputs of an anchor-free detector to boxes. */
import type { NDArray } from '../core/index.js';
import { centreOf } from './assignCells.js';
import { nonMaximumSuppression, type LabeledDetection } from './boxes.js';
import { BRANCHES, gridsOf } from './loss.js';

export interface DecodeOptions {
  /** Pixels per cell of each grid, finest first. */
  readonly strides: readonly number[];
  /** Least score; default 0.3 for looking at. 0.01 for measuring: mean average precision wants the poor ones too. */
  readonly threshold?: number;
  /** Of two boxes of one class that overlap more, in intersection over union, the better one stays; default 0.5. */
  readonly overlap?: number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * The objects of each picture, the best first, in pixels. A cell tells its likeliest class; its score is the probability
 * that there is an object times that of the class.
 *
 * @param outputs for each stride box distances [N, h, w, 4], objectness [N, h, w, 1], class scores [N, h, w, classes]
 */
export function decodeDetections(outputs: readonly NDArray[], options: DecodeOptions): LabeledDetection[][] {
  const { strides, threshold = 0.3, overlap = 0.5 } = options;
  const grids = gridsOf(outputs, strides);
  const found = Array.from({ length: outputs[0].shape[0] }, (): LabeledDetection[] => []);
  grids.forEach((grid, level) => {
    const [boxes, objectness, classes] = outputs.slice(BRANCHES * level);
    const perPicture = grid.height * grid.width;
    const count = classes.shape[3];
    for (let cell = 0; cell < objectness.size; cell++) {
      const presence = sigmoid(objectness.data[cell]);
      if (presence < threshold) continue;
      const scores = classes.data.subarray(cell * count, (cell + 1) * count);
      const label = scores.indexOf(Math.max(...scores));
      const score = presence * sigmoid(scores[label]);
      if (score < threshold) continue;
      const [x, y] = centreOf(cell, grid);
      const [left, top, right, bottom] = Array.from(
        boxes.data.subarray(4 * cell, 4 * cell + 4),
        (v) => grid.stride * softplus(v),
      );
      found[Math.floor(cell / perPicture)].push({
        label,
        score,
        left: x - left,
        top: y - top,
        right: x + right,
        bottom: y + bottom,
      });
    }
  });
  return found.map((all) => {
    const labels = [...new Set(all.map(({ label }) => label))];
    const kept = labels.flatMap((label) =>
      nonMaximumSuppression(
        all.filter((d) => d.label === label),
        overlap,
      ),
    );
    return kept.sort((a, b) => b.score - a.score);
  });
}
