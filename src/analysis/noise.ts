/** How far numbers are from those that they stand for. */

/**
 * Gathers what two streams of numbers have in common, batch by batch.
 *
 * SQNR = 10 log10(sum x^2 / sum (x - y)^2) dB: Infinity where nothing differs, -Infinity where the signal is all 0.
 */
export class Noise {
  #signal = 0;
  #other = 0;
  #product = 0;
  #noise = 0;
  count = 0;
  /** NaN once a number was NaN. */
  maxAbsError = 0;

  /** Throws nothing: the arrays are of one length. */
  add(signal: ArrayLike<number>, other: ArrayLike<number>): this {
    for (let i = 0; i < signal.length; i++) {
      const [x, y] = [signal[i], other[i]];
      const apart = Math.abs(x - y);
      this.#signal += x * x;
      this.#other += y * y;
      this.#product += x * y;
      this.#noise += apart * apart;
      if (!(apart <= this.maxAbsError)) this.maxAbsError = apart;
    }
    this.count += signal.length;
    return this;
  }

  get sqnr(): number {
    return this.#noise === 0 ? Infinity : 10 * Math.log10(this.#signal / this.#noise);
  }

  /** x . y / (|x| |y|); 1 where nothing differs, 0 where one of the two is all 0. */
  get cosine(): number {
    if (this.#noise === 0) return 1;
    return this.#product / (Math.sqrt(this.#signal * this.#other) || 1);
  }
}

/** dB of `signal` over its difference to `other`; see {@link Noise}. */
export function sqnr(signal: ArrayLike<number>, other: ArrayLike<number>): number {
  return new Noise().add(signal, other).sqnr;
}
