/** Observers of the smallest and largest value: over all batches, or as an average that follows them. */
import { ArgumentError, type FloatNDArray } from '../../core/index.js';
import { BaseObserver, numbersOf, type ObserverFactory, type ObserverSpec } from './observer.js';
import type { ObservedRange } from './range.js';

/** The next state of one bound. */
type Follow = (now: number, batch: number) => number;

class MinMaxObserver extends BaseObserver {
  #min = new Float32Array(0);
  #max = new Float32Array(0);

  constructor(
    spec: ObserverSpec,
    kind: string,
    private readonly followMin: Follow,
    private readonly followMax: Follow,
  ) {
    super(spec, kind);
  }

  protected update(_x: FloatNDArray, _axis: number | null, range: ObservedRange, batch: number): void {
    if (batch === 0) {
      this.#min = Float32Array.from(range.min);
      this.#max = Float32Array.from(range.max);
      return;
    }
    for (let c = 0; c < this.channels; c++) {
      this.#min[c] = this.followMin(this.#min[c], range.min[c]);
      this.#max[c] = this.followMax(this.#max[c], range.max[c]);
    }
  }

  protected compute(): ObservedRange {
    return { min: this.#min.slice(), max: this.#max.slice() };
  }

  protected clear(): void {
    this.#min = new Float32Array(0);
    this.#max = new Float32Array(0);
  }

  protected save(): unknown {
    return { min: Array.from(this.#min), max: Array.from(this.#max) };
  }

  protected restore(data: unknown): void {
    this.#min = Float32Array.from(numbersOf(data, 'min', this.channels));
    this.#max = Float32Array.from(numbersOf(data, 'max', this.channels));
  }
}

/**
 * The smallest and largest value over all batches, per tensor or (spec.axis) per channel: nothing is clipped, and one outlier
 * can take most of the codes (Nagel et al. 2021, "A White Paper on Neural Network Quantization", arXiv:2106.08295, section 3.1).
 */
export function minMax(): ObserverFactory {
  return (spec) => new MinMaxObserver(spec, 'minMax', Math.min, Math.max);
}

/**
 * Exponential moving averages of the minimum and the maximum of each batch: the first batch sets them, every later one
 * moves them by `m += averagingConstant * (batch - m)` in float32 (Jacob et al. 2018, "Quantization and Training of Neural
 * Networks for Efficient Integer-Arithmetic-Only Inference", arXiv:1712.05877, section 3.1; this arithmetic is that of PyTorch's
 * MovingAverageMinMaxObserver). Depends on the order of batches and on their size.
 *
 * @throws ArgumentError unless 0 < averagingConstant <= 1
 */
export function movingAverageMinMax(options: { averagingConstant?: number } = {}): ObserverFactory {
  const { averagingConstant = 0.01 } = options;
  if (!(averagingConstant > 0 && averagingConstant <= 1))
    throw new ArgumentError(`averagingConstant: ${averagingConstant} must be above 0 and at most 1`);
  const f32 = Math.fround;
  const c = f32(averagingConstant);
  const follow: Follow = (now, batch) => f32(now + f32(c * f32(batch - now)));
  return (spec) => new MinMaxObserver(spec, 'movingAverageMinMax', follow, follow);
}
