/**
 * The one source of randomness. Everything random in the library (initialisation, shuffling, augmentation, dropout)
 * draws from a {@link Random}; the same seed gives the same bits, run after run.
 */
// The package's default entry calls require('crypto') and does not bundle for browsers; this one is pure arithmetic.
import alea from 'seedrandom/lib/alea.js';
import { checkWhole } from './checks.js';

export type Seed = number | string;

/** The state of a generator, plain JSON: put it into a checkpoint and give it to {@link Random.restore}. */
export type RandomState = object;

interface Prng {
  (): number;
  int32(): number;
  double(): number;
  state(): object;
}
const makeAlea = alea as unknown as (seed: string, options: { state: boolean | object }) => Prng;

export class Random {
  #prng: Prng;

  constructor(seed: Seed) {
    this.#prng = makeAlea(String(seed), { state: true });
  }

  static restore(state: RandomState): Random {
    const r = new Random(0);
    r.#prng = makeAlea('', { state });
    return r;
  }

  state(): RandomState {
    return this.#prng.state();
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#prng();
  }

  uniform(low: number, high: number): number {
    return low + (high - low) * this.#prng();
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    checkWhole('n', n);
    return Math.floor(this.#prng() * n);
  }

  /** Standard normal, Box-Muller; the second value is not kept, so that the state is the generator's alone. */
  normal(): number {
    const u = 1 - this.#prng();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.#prng());
  }

  /** A random order of 0 .. n - 1 (Fisher-Yates). */
  permutation(n: number): Int32Array {
    const p = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const t = p[i];
      p[i] = p[j];
      p[j] = t;
    }
    return p;
  }
}

let current = new Random(0);

/** The generator used where no `random` is handed in. */
export function defaultRandom(): Random {
  return current;
}

/** Seeds the default generator. Returns a function that puts the previous generator back. */
export function setSeed(seed: Seed): () => void {
  const previous = current;
  current = new Random(seed);
  return () => {
    current = previous;
  };
}
