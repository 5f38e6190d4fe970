/** What the percentile, histogram and entropy observers share: one streaming distribution per channel. */
import type { FloatNDArray } from '../../core/index.js';
import { Distribution } from './distribution.js';
import { BaseObserver, type ObserverSpec } from './observer.js';
import { channelValues, type ObservedRange } from './range.js';

/** The range to quantize, given the distribution of the values. */
export type RangeOfDistribution = (d: Distribution, spec: ObserverSpec) => { min: number; max: number };

export class DistributionObserver extends BaseObserver {
  #distributions: Distribution[] = [];

  constructor(
    spec: ObserverSpec,
    kind: string,
    private readonly rangeOf: RangeOfDistribution,
  ) {
    super(spec, kind);
  }

  protected update(x: FloatNDArray, axis: number | null, range: ObservedRange, batch: number): void {
    if (batch === 0) this.#distributions = Array.from({ length: this.channels }, () => new Distribution());
    this.#distributions.forEach((d, c) => {
      d.add(channelValues(x, axis, c), range.min[c], range.max[c]);
    });
  }

  protected compute(): ObservedRange {
    const ranges = this.#distributions.map((d) => this.rangeOf(d, this.spec));
    return {
      min: Float64Array.from(ranges, (r) => r.min),
      max: Float64Array.from(ranges, (r) => r.max),
    };
  }

  protected clear(): void {
    this.#distributions = [];
  }

  protected save(): unknown {
    return this.#distributions.map((d) => d.save());
  }

  protected restore(data: unknown): void {
    if (!Array.isArray(data) || data.length !== this.channels)
      throw new Error('a distribution per channel is missing');
    this.#distributions = data.map((d: unknown) => Distribution.restore(d));
  }
}
