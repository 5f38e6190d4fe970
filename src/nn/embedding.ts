/** A table of vectors, looked up by index. */
import type { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { ArgumentError, type Random } from '../core/index.js';
import { embedding } from '../ops/index.js';
import { normal } from './init.js';
import { Module, Parameter } from './module.js';

export interface EmbeddingOptions {
  /** A row that starts at zero and gets no gradient. */
  paddingIdx?: number;
  random?: Random | undefined;
}

/** indices (int32) [...] -> [..., features]; weight [count, features] starts standard normal. */
export class Embedding extends Module {
  readonly weight: Parameter;
  readonly paddingIdx: number | null;

  constructor(count: number, features: number, options: EmbeddingOptions = {}) {
    super();
    checkWhole('count', count);
    checkWhole('features', features);
    this.paddingIdx = options.paddingIdx ?? null;
    this.weight = Parameter.full([count, features], 0);
    normal(this.weight, 0, 1, options.random);
    if (this.paddingIdx === null) return;
    if (!Number.isInteger(this.paddingIdx) || this.paddingIdx < 0 || this.paddingIdx >= count)
      throw new ArgumentError(`paddingIdx: ${this.paddingIdx} is no row of a table of ${count}`);
    this.weight.data.fill(0, this.paddingIdx * features, (this.paddingIdx + 1) * features);
  }

  override forward(indices: Tensor): Tensor {
    const { paddingIdx } = this;
    return embedding(indices, this.weight, paddingIdx === null ? {} : { paddingIdx });
  }
}
