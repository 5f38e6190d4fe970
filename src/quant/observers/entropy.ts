/** Observer that clips where the distribution of the codes says most about that of the values. */
import { checkWhole } from '../../core/checks.js';
import type { Distribution } from './distribution.js';
import { DistributionObserver } from './distributionObserver.js';
import type { ObserverFactory, ObserverSpec } from './observer.js';

/** Counts of |x| in bins of equal width from 0 to the largest magnitude. */
function magnitudes(d: Distribution, bins: number, largest: number): Float64Array {
  const both = d.histogram(2 * bins, -largest, largest);
  return Float64Array.from({ length: bins }, (_, i) => both[bins + i] + both[bins - 1 - i]);
}

/**
 * The divergence KL(P || Q), where P is the first `n` bins of `h` with all that lies beyond in the last of them, and Q the same bins
 * merged to `levels` codes and spread evenly over those that are not empty. Infinity where P has mass and Q has none.
 */
export function divergence(h: Float64Array, n: number, levels: number): number {
  let inside = 0;
  for (let i = 0; i < n; i++) inside += h[i];
  let beyond = 0;
  for (let i = n; i < h.length; i++) beyond += h[i];
  if (inside === 0 || (beyond > 0 && h[n - 1] === 0)) return Infinity;
  let sum = 0;
  for (let level = 0; level < levels; level++) {
    const first = Math.floor((level * n) / levels);
    const end = Math.floor(((level + 1) * n) / levels);
    let [mass, filled] = [0, 0];
    for (let i = first; i < end; i++) {
      mass += h[i];
      if (h[i] !== 0) filled++;
    }
    const q = mass / filled / inside;
    for (let i = first; i < end; i++) {
      if (h[i] === 0) continue;
      const p = (i === n - 1 ? h[i] + beyond : h[i]) / (inside + beyond);
      sum += p * Math.log(p / q);
    }
  }
  return sum;
}

/** Share of the values that may be clipped. */
const CLIPPED = 0.01;

/**
 * The number of bins of least divergence, the larger of equal ones: of those that have values in at least `levels` bins, and
 * no more than {@link CLIPPED} of all beyond them.
 */
export function searchThreshold(h: Float64Array, levels: number): number {
  let best = h.length;
  let least = Infinity;
  let [filled, total] = [0, 0];
  for (const mass of h) {
    total += mass;
    if (mass > 0) filled++;
  }
  let beyond = 0;
  for (let n = h.length; filled >= levels && beyond <= CLIPPED * total; n--) {
    const d = divergence(h, n, levels);
    if (d < least) [least, best] = [d, n];
    beyond += h[n - 1];
    if (h[n - 1] > 0) filled--;
  }
  return best;
}

function rangeOf(d: Distribution, bins: number, spec: ObserverSpec): { min: number; max: number } {
  const { min, max } = d;
  const largest = Math.max(-min, max);
  if (largest === 0) return { min, max };
  const h = magnitudes(d, bins, largest);
  // 0 is a code of every grid: values at it, half of what comes out of a ReLU, say nothing about the threshold.
  h[0] = h[1];
  const codes = spec.quantMax - spec.quantMin + 1;
  const oneSided = !spec.symmetric && (min >= 0 || max <= 0);
  const threshold = (searchThreshold(h, oneSided ? codes : Math.ceil(codes / 2)) * largest) / bins;
  return { min: Math.max(min, -threshold), max: Math.min(max, threshold) };
}

/**
 * The range from -t to t, within the observed one, whose codes have the distribution that is nearest to that of the values in
 * the Kullback-Leibler divergence: the entropy calibrator of TensorRT (Migacz 2017, "8-bit inference with TensorRT"; the
 * first bin is handled as in NVIDIA's pytorch-quantization). Magnitudes are counted in `bins` bins; every t at the end of a
 * bin is tried that clips at most 1 % of the values and leaves some in as many bins as there are codes. The paper has neither limit;
 * but all that lies beyond t is counted in the last bin, and where a spike is there (the background of images, the 6 of a ReLU6), most
 * values clipped can look like a perfect match: a depthwise network at 8 bits fell to 13 %. Codes per magnitude are those of one sign, or all where an affine
 * quantizer sees values of one sign.
 *
 * Made for 8 bits and many values: with a few thousand the histogram is ragged, and below 5 bits `mse()`
 * may be the better choice. Holds at most 128 KiB per scale. Does not depend on the order of batches.
 *
 * @param options `bins`, default 2048
 * @throws ArgumentError unless bins is a whole number from 256 to 8192
 */
export function entropy(options: { bins?: number } = {}): ObserverFactory {
  const { bins = 2048 } = options;
  checkWhole('bins', bins, 256, 8192);
  return (spec) => new DistributionObserver(spec, 'entropy', (d) => rangeOf(d, bins, spec));
}
