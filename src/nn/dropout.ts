/** Dropout: zeroes elements while training (Srivastava et al. 2014). */
import type { Tensor } from '../autograd/index.js';
import { ArgumentError, type Random } from '../core/index.js';
import { dropout } from '../ops/index.js';
import { Module } from './module.js';

/** Keeps each element with probability `1 - p`, divided by it; passes everything through in evaluation. */
export class Dropout extends Module {
  readonly p: number;
  readonly random: Random | null;

  constructor(p = 0.5, options: { random?: Random } = {}) {
    super();
    if (!(p >= 0 && p < 1)) throw new ArgumentError(`p: ${p} must lie in [0, 1)`);
    this.p = p;
    this.random = options.random ?? null;
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, { p: this.p, training: this.training, random: this.random });
  }
}
