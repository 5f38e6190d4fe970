/** Boxes of detectors: how much two overlap, and which of many stand for one object. */

/** Corners in the unit of the image: pixels, or shares of its width and height. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A box and the class of what is in it, counted from 0. */
export interface LabeledBox extends Box {
  readonly label: number;
}

export interface Detection extends Box {
  /** In [0, 1]. */
  readonly score: number;
}

export interface LabeledDetection extends Detection, LabeledBox {}

/** 0 for a box that is empty or inside out. */
export function areaOf({ left, top, right, bottom }: Box): number {
  return Math.max(right - left, 0) * Math.max(bottom - top, 0);
}

/** Area that two boxes share. */
export function commonArea(a: Box, b: Box): number {
  return areaOf({
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  });
}

/** Intersection over union, in [0, 1]; 0 where both are empty. */
export function iou(a: Box, b: Box): number {
  const common = commonArea(a, b);
  const union = areaOf(a) + areaOf(b) - common;
  return union > 0 ? common / union : 0;
}

/**
 * Greedy non-maximum suppression: the best first, and none that overlaps a better one by more than `threshold`.
 *
 * @param threshold in intersection over union
 */
export function nonMaximumSuppression<D extends Detection>(detections: readonly D[], threshold: number): D[] {
  const kept: D[] = [];
  for (const candidate of [...detections].sort((a, b) => b.score - a.score))
    if (kept.every((better) => iou(candidate, better) <= threshold)) kept.push(candidate);
  return kept;
}

/** Of the boxes `reference`, the share that a box of `found` overlaps by at least `threshold`; each is used once. */
export function keptShare(reference: readonly Box[], found: readonly Box[], threshold = 0.5): number {
  const free = new Set(found);
  let kept = 0;
  for (const box of reference) {
    const best = [...free].sort((a, b) => iou(box, b) - iou(box, a))[0];
    if (best === undefined || iou(box, best) < threshold) continue;
    free.delete(best);
    kept++;
  }
  return reference.length === 0 ? 1 : kept / reference.length;
}
