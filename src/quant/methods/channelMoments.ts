/** Mean and variance of each channel over batches that come one after the other. */
import type { NDArray } from '../../core/index.js';

export class ChannelMoments {
  /** Rows seen. */
  count = 0;
  mean = new Float64Array(0);
  /** Sums of squared deviations from the mean. */
  #squares = new Float64Array(0);

  /** Channels are the last axis. Each batch is summed by itself and joined to the others (Chan et al. 1979). */
  add(x: NDArray): void {
    const channels = x.shape[x.rank - 1];
    const rows = x.size / channels;
    const mean = new Float64Array(channels);
    const squares = new Float64Array(channels);
    for (let i = 0; i < x.size; i++) mean[i % channels] += x.data[i] / rows;
    for (let i = 0; i < x.size; i++) squares[i % channels] += (x.data[i] - mean[i % channels]) ** 2;
    if (this.count === 0) [this.mean, this.#squares] = [mean, squares];
    else
      mean.forEach((m, c) => {
        const d = m - this.mean[c];
        const all = this.count + rows;
        this.mean[c] += (d * rows) / all;
        this.#squares[c] += squares[c] + (d * d * this.count * rows) / all;
      });
    this.count += rows;
  }

  /** Unbiased; of one row, 0. */
  variance(): Float64Array {
    return this.#squares.map((s) => s / Math.max(this.count - 1, 1));
  }
}
