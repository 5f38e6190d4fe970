/** Robust statistics, and when a measured thing is warm. */

/** Throws RangeError for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median: there are no values');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Median absolute deviation from the median. */
export function medianDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((v) => Math.abs(v - middle)));
}

/** Samples of a window, and by how much the medians of two windows in a row may differ. */
const WINDOW = 3;
const STEADY = 0.03;

/**
 * Have the samples settled? The medians of the last two windows agree within 3 %, or the later one is not the smaller:
 * what is still being compiled gets faster, and noise does not keep a warm function cold for ever.
 */
export function isSteady(samples: readonly number[]): boolean {
  if (samples.length < 2 * WINDOW) return false;
  const before = median(samples.slice(-2 * WINDOW, -WINDOW));
  const after = median(samples.slice(-WINDOW));
  return after >= before * (1 - STEADY);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

/** Of a sample (divided by n - 1); 0 for a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
}
