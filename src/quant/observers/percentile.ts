/** Observer of percentiles: clips a chosen share of the values at each end. */
import { ArgumentError } from '../../core/index.js';
import { DistributionObserver } from './distributionObserver.js';
import type { ObserverFactory } from './observer.js';

/**
 * The range between two percentiles of all values of all batches, interpolated linearly between neighbouring values
 * (numpy's 'linear'): a few outliers are clipped, and the rest has finer codes (Wu et al. 2020, "Integer Quantization for Deep
 * Learning Inference: Principles and Empirical Evaluation", arXiv:2004.09602, which takes percentiles of magnitudes). Exact for
 * up to 32768 values per scale; beyond, within a bin of at most 1 / 8191 of the whole range. Holds at most 128 KiB per scale.
 * Does not depend on the order of batches.
 *
 * @param options `lower` and `upper` in percent, default 0.01 and 99.99
 * @throws ArgumentError unless 0 <= lower < upper <= 100
 */
export function percentile(options: { lower?: number; upper?: number } = {}): ObserverFactory {
  const { lower = 0.01, upper = 99.99 } = options;
  if (!(lower >= 0 && lower < upper && upper <= 100))
    throw new ArgumentError(
      `lower ${lower}, upper ${upper}: give percentages with 0 <= lower < upper <= 100`,
    );
  return (spec) =>
    new DistributionObserver(spec, 'percentile', (d) => {
      const [min, max] = d.quantiles([lower / 100, upper / 100]);
      return { min, max };
    });
}
