/** Seeded operands of kernels. */
import { Random } from '../src/core/index.js';
import type { Data, Dtype, Quantization } from './types.js';

interface Codes {
  readonly low: number;
  readonly high: number;
  readonly zeroPoint: number;
}
/** Activations; the zero points are off the middle, so that a kernel which forgets one gives other codes. */
export const ACTIVATIONS: Readonly<Record<Exclude<Dtype, 'f32'>, Codes>> = {
  u8s8: { low: 0, high: 255, zeroPoint: 133 },
  s8s8: { low: -128, high: 127, zeroPoint: 5 },
  w8a7: { low: 0, high: 127, zeroPoint: 61 },
};

export class Operands {
  readonly #random: Random;
  readonly #dtype: Dtype;

  constructor(dtype: Dtype, seed: string) {
    this.#dtype = dtype;
    this.#random = new Random(`bench/${seed}`);
  }

  activations(length: number): Data {
    const random = this.#random;
    if (this.#dtype === 'f32') return this.floats(length);
    const { low, high } = ACTIVATIONS[this.#dtype];
    const array = low < 0 ? new Int8Array(length) : new Uint8Array(length);
    return array.map(() => low + random.int(high - low + 1));
  }

  /** int8 weights keep -128 free, as symmetric quantization does. */
  weights(length: number): Data {
    const random = this.#random;
    return this.#dtype === 'f32'
      ? this.floats(length)
      : new Int8Array(length).map(() => random.int(255) - 127);
  }

  floats(length: number): Float32Array {
    const random = this.#random;
    return new Float32Array(length).map(() => random.normal());
  }

  /** Multipliers that spread sums of `depth` products over the codes, another for each channel. */
  quantization(channels: number, depth: number): Quantization | null {
    if (this.#dtype === 'f32') return null;
    const { zeroPoint, high, low } = ACTIVATIONS[this.#dtype];
    const deviation = (high - low) * 0.29 * 73 * Math.sqrt(depth);
    const base = (high - low) / 4 / deviation;
    const multiplier = new Float32Array(channels).map((_, i) => base * (1 + (i % 7) / 8));
    return { xZeroPoint: zeroPoint, yZeroPoint: zeroPoint - 2, multiplier };
  }
}

/** Bytes of an element of activations and weights. */
export const elementBytes = (dtype: Dtype): number => (dtype === 'f32' ? 4 : 1);
