/**
 * How good a detector is: mean average precision as PASCAL VOC counts it from 2010 on (Everingham et al., "The PASCAL VOC
 * challenge 2012 development kit", section 3.4.1), the area under the precision-recall curve at all of its points.
 */
import { ArgumentError } from '../core/index.js';
import { iou, type LabeledBox, type LabeledDetection } from './boxes.js';

export interface ClassPrecision {
  readonly label: number;
  /** In [0, 1]. */
  readonly averagePrecision: number;
  /** How many there are to be found. */
  readonly objects: number;
}

export interface DetectionQuality {
  /** Mean of the classes that have objects, in [0, 1]; NaN where there are no objects at all. */
  readonly meanAveragePrecision: number;
  /** Ascending by label. */
  readonly classes: readonly ClassPrecision[];
}

interface Candidate extends LabeledDetection {
  readonly picture: number;
}

/** The area below the curve after each precision became the best at its recall or a higher one. */
function areaUnder(hits: readonly boolean[], objects: number): number {
  let found = 0;
  const precision = hits.map((hit, i) => (found += hit ? 1 : 0) / (i + 1));
  let [best, area] = [0, 0];
  for (let i = hits.length - 1; i >= 0; i--) {
    best = Math.max(best, precision[i]);
    if (hits[i]) area += best / objects;
  }
  return area;
}

/**
 * Detections are taken best first, over all pictures. One is right when the object of its class that it overlaps most is
 * overlapped by at least `threshold` and was not found before; a second find of an object counts as wrong.
 *
 * @param found the detections of each picture
 * @param objects what is in each picture
 * @param threshold least intersection over union; default 0.5
 */
export function meanAveragePrecision(
  found: readonly (readonly LabeledDetection[])[],
  objects: readonly (readonly LabeledBox[])[],
  { threshold = 0.5 }: { threshold?: number } = {},
): DetectionQuality {
  if (found.length !== objects.length)
    throw new ArgumentError(
      `found: detections of ${found.length} pictures, but objects of ${objects.length}`,
    );
  if (!(threshold > 0 && threshold <= 1))
    throw new ArgumentError(`threshold: ${threshold} must be in (0, 1]`);
  const labels = [...new Set(objects.flat().map(({ label }) => label))].sort((a, b) => a - b);
  const classes = labels.map((label) => {
    const candidates: Candidate[] = found
      .flatMap((list, picture) => list.map((detection) => ({ ...detection, picture })))
      .filter((c) => c.label === label)
      .sort((a, b) => b.score - a.score);
    const wanted = objects.map((list) => list.filter((o) => o.label === label));
    const taken = new Set<LabeledBox>();
    const hits = candidates.map((candidate) => {
      let best: LabeledBox | null = null;
      for (const object of wanted[candidate.picture])
        if (best === null || iou(candidate, object) > iou(candidate, best)) best = object;
      if (best === null || iou(candidate, best) < threshold || taken.has(best)) return false;
      taken.add(best);
      return true;
    });
    const count = wanted.reduce((n, list) => n + list.length, 0);
    return { label, averagePrecision: areaUnder(hits, count), objects: count };
  });
  const sum = classes.reduce((total, { averagePrecision }) => total + averagePrecision, 0);
  return { meanAveragePrecision: sum / classes.length, classes };
}
