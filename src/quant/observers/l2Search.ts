/**
 * The search for the range of least expected squared error over a histogram, as in PyTorch's HistogramObserver (after
 * Caffe2's norm minimization): greedy removal of quantiles of 1e-5 from the end that frees more bins, until the error grows.
 */

const STEP = 1e-5;

/** Integral of u^2 from a to b. */
function squares(a: number, b: number): number {
  return (b * b * b - a * a * a) / 3;
}

/**
 * The sum over the histogram, read as a piecewise constant density, of the squared distance to the nearest of `levels`
 * centres that divide bins `first` to `last` evenly; values outside go to the outermost centres. Bins are `width` wide.
 */
export function l2Error(h: Float64Array, width: number, first: number, last: number, levels: number): number {
  const step = (width * (last - first + 1)) / levels;
  let error = 0;
  for (let i = 0; i < h.length; i++) {
    if (h[i] === 0) continue;
    const start = (i - first) * width;
    const end = start + width;
    const a = Math.min(Math.max(Math.floor(start / step), 0), levels - 1);
    const b = Math.min(Math.max(Math.floor(end / step), 0), levels - 1);
    const sum =
      squares(start - (a + 0.5) * step, step / 2) +
      (b - a - 1) * squares(-step / 2, step / 2) +
      squares(-step / 2, end - (b * step + step / 2));
    error += (h[i] / width) * sum;
  }
  return error;
}

/**
 * @param h counts in bins of equal width from `min` to `max`, with `min < max`
 * @param levels number of codes
 */
export function searchRange(
  h: Float64Array,
  min: number,
  max: number,
  levels: number,
): { min: number; max: number } {
  const width = (max - min) / h.length;
  const cumulative = new Float64Array(h.length);
  let total = 0;
  for (let i = 0; i < h.length; i++) cumulative[i] = total += h[i];
  let alpha = 0;
  let beta = 1;
  let first = 0;
  let last = h.length - 1;
  let best = Infinity;
  while (alpha < beta) {
    const nextAlpha = alpha + STEP;
    const nextBeta = beta - STEP;
    let left = first;
    let right = last;
    while (left < last && cumulative[left] < nextAlpha * total) left++;
    while (right > first && cumulative[right] > nextBeta * total) right--;
    let nextFirst = first;
    let nextLast = last;
    if (left - first > last - right) {
      nextFirst = left;
      alpha = nextAlpha;
    } else {
      nextLast = right;
      beta = nextBeta;
    }
    if (nextFirst === first && nextLast === last) continue;
    const error = l2Error(h, width, nextFirst, nextLast, levels);
    if (error > best) break;
    best = error;
    first = nextFirst;
    last = nextLast;
  }
  return { min: min + width * first, max: min + width * (last + 1) };
}
