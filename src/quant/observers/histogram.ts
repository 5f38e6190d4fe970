/** Observer that clips where the squared quantization error is smallest. */
import { checkWhole } from '../../core/checks.js';
import { roundHalfEven } from '../../../kernels/rounding.js';
import { clampOffset } from '../../ops/quantize.js';
import { chooseQParams } from '../qparams.js';
import type { Distribution } from './distribution.js';
import { DistributionObserver } from './distributionObserver.js';
import { searchRange } from './l2Search.js';
import type { ObserverFactory, ObserverSpec } from './observer.js';

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Shrunk ranges that are tried: 2^(-i / 8) of the observed one, down to 1/215. */
const SHRINK_STEPS = 63;

/** The summed squared error of the values when quantized with the parameters that the range leads to. */
export function quantizationError(
  d: Distribution,
  { min, max }: Bounds,
  spec: Pick<ObserverSpec, 'quantMin' | 'quantMax' | 'symmetric' | 'name'>,
): number {
  const qp = chooseQParams(min, max, { ...spec, axis: null });
  const s = qp.scale[0];
  const lo = qp.quantMin - qp.zeroPoint[0];
  const hi = qp.quantMax - qp.zeroPoint[0];
  return d.sum((v) => {
    const e = roundHalfEven(clampOffset(v / s, lo, hi)) * s - v;
    return e * e;
  });
}

function bestRange(d: Distribution, bins: number, spec: ObserverSpec): Bounds {
  let best: Bounds = { min: d.min, max: d.max };
  if (d.min === d.max) return best;
  let least = quantizationError(d, best, spec);
  const attempt = (range: Bounds): void => {
    const error = quantizationError(d, range, spec);
    if (error < least) {
      least = error;
      best = range;
    }
  };
  for (let i = 1; i <= SHRINK_STEPS; i++) attempt({ min: d.min * 2 ** (-i / 8), max: d.max * 2 ** (-i / 8) });
  attempt(searchRange(d.histogram(bins), d.min, d.max, spec.quantMax - spec.quantMin + 1));
  return best;
}

/**
 * The range of least squared quantization error over all values of all batches (the MSE criterion of Nagel et al. 2021, "A White
 * Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1). Tried are the observed range, that range
 * shrunk towards 0 in geometric steps, and what the search of PyTorch's HistogramObserver finds (see `searchRange`). The
 * error of the real grid decides, in which 0 is a code: the search's own estimate leaves that out, and alone it can do
 * worse than min-max at 4 bits.
 *
 * Works on the values themselves for up to 32768 of them per scale; beyond, on bins of at most 1 / 8191 of the range.
 * Holds at most 128 KiB per scale. Does not depend on the order of batches.
 *
 * @param options `bins` of the histogram for the search, default 2048
 * @throws ArgumentError unless bins is a whole number from 2 to 8192
 */
export function histogram(options: { bins?: number } = {}): ObserverFactory {
  const { bins = 2048 } = options;
  checkWhole('bins', bins, 2, 8192);
  return (spec) => new DistributionObserver(spec, 'histogram', (d) => bestRange(d, bins, spec));
}

/** {@link histogram} by the name of what it minimizes. */
export const mse = histogram;
