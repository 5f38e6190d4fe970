/** Observer that clips where the expected squared quantization error is smallest. */
import { ArgumentError } from '../../core/index.js';
import { DistributionObserver } from './distributionObserver.js';
import { searchRange } from './l2Search.js';
import type { ObserverFactory } from './observer.js';

/**
 * The range of least squared quantization error over a histogram of all values of all batches; the search is that of
 * PyTorch's HistogramObserver (see `searchRange`), on exact bounds. Up to 32768 values per scale the histogram is exact;
 * beyond, a count can be off by one of at least 8191 fine bins. Holds at most 128 KiB per scale. Does not depend on the
 * order of batches.
 *
 * @param options `bins` of the histogram that is searched, default 2048
 * @throws ArgumentError unless bins is a whole number from 2 to 8192
 */
export function histogram(options: { bins?: number } = {}): ObserverFactory {
  const { bins = 2048 } = options;
  if (!Number.isInteger(bins) || bins < 2 || bins > 8192)
    throw new ArgumentError(`bins: ${bins} must be a whole number from 2 to 8192`);
  return (spec) =>
    new DistributionObserver(spec, 'histogram', (d, { quantMin, quantMax }) =>
      d.min === d.max
        ? { min: d.min, max: d.max }
        : searchRange(d.histogram(bins), d.min, d.max, quantMax - quantMin + 1),
    );
}
