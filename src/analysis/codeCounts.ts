/** Which codes are used, how often, and what lies beyond the grid; gathered batch by batch. */
import type { FloatNDArray, NDArray, QParams } from '../core/index.js';
import { roundHalfEven } from '../../kernels/rounding.js';
import { channelLayout } from '../ops/quantize.js';

/** Shares are in [0, 1]. */
export interface CodeReport {
  readonly codesUsed: number;
  readonly codesAvailable: number;
  /** Of the codes, in bits: -sum p log2 p (Shannon 1948). Far below the width of the codes, most of them are wasted. */
  readonly entropy: number;
  /** Codes at the ends of the grid. An end that stands for 0 does not count: after a ReLU it holds true zeros. */
  readonly saturated: { readonly low: number; readonly high: number };
  /** Float numbers whose nearest code would lie beyond the grid. */
  readonly clipped: { readonly low: number; readonly high: number };
}

export class CodeCounts {
  readonly #qparams: QParams;
  readonly #counts: Float64Array;
  /** Codes that stand for 0: zero points differ between channels at most in trained grids. */
  #zeros = { low: 0, high: 0 };
  #clipped = { low: 0, high: 0 };
  #total = 0;
  /** Smallest and largest code of each channel, less its zero point. */
  min = new Float64Array(0);
  max = new Float64Array(0);

  constructor(qparams: QParams) {
    this.#qparams = qparams;
    this.#counts = new Float64Array(qparams.quantMax - qparams.quantMin + 1);
  }

  /**
   * @param x in float
   * @param codes of the quantized network, of the shape of `x`
   * @param axis of the channels whose extremes are kept; null for all in one
   */
  add(x: FloatNDArray, codes: NDArray, axis: number | null): void {
    const { scale, zeroPoint, quantMin, quantMax, axis: own } = this.#qparams;
    const grid = channelLayout(x.shape, own);
    const { channels, inner } = channelLayout(x.shape, axis);
    if (this.#total === 0) {
      this.min = new Float64Array(channels).fill(Infinity);
      this.max = new Float64Array(channels).fill(-Infinity);
    }
    this.#total += x.size;
    for (let i = 0; i < x.size; i++) {
      const g = own === null ? 0 : Math.floor(i / grid.inner) % grid.channels;
      const zero = zeroPoint[g];
      const code = codes.data[i];
      this.#counts[code - quantMin]++;
      if (code === zero && zero === quantMin) this.#zeros.low++;
      if (code === zero && zero === quantMax) this.#zeros.high++;
      const nearest = roundHalfEven(Math.fround(x.data[i] / scale[g])) + zero;
      if (nearest < quantMin) this.#clipped.low++;
      if (nearest > quantMax) this.#clipped.high++;
      const c = Math.floor(i / inner) % channels;
      this.min[c] = Math.min(this.min[c], code - zero);
      this.max[c] = Math.max(this.max[c], code - zero);
    }
  }

  result(): CodeReport {
    const total = this.#total || 1;
    const used = this.#counts.filter((n) => n > 0);
    const [low, high] = [this.#counts[0], this.#counts[this.#counts.length - 1]];
    return {
      codesUsed: used.length,
      codesAvailable: this.#counts.length,
      entropy: used.reduce((sum, n) => sum - (n / total) * Math.log2(n / total), 0),
      saturated: { low: (low - this.#zeros.low) / total, high: (high - this.#zeros.high) / total },
      clipped: { low: this.#clipped.low / total, high: this.#clipped.high / total },
    };
  }
}
