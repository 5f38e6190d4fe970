/**
 * PACT, learned clipping of activations (Choi et al. 2018, "PACT: Parameterized clipping activation for quantized neural
 * networks", arXiv:1805.06085).
 */
import type { Tensor } from '../../autograd/index.js';
import { QuantizationError, type QParams } from '../../core/index.js';
import { clampLearned, dequantizeArray, mul, quantizeArray, straightThrough } from '../../ops/index.js';
import { histogram, type ObservedRange } from '../observers/index.js';
import { chooseQParams } from '../qparams.js';
import { parameter, type QuantizerFactory, type TrainedQuantizer, type TrainedSpec } from './types.js';

class LearnedClipping implements TrainedQuantizer {
  readonly rate = 3;
  readonly follows = false;
  readonly tensors: { readonly lower: Tensor; readonly upper: Tensor };
  readonly #spec: TrainedSpec;

  constructor(spec: TrainedSpec) {
    this.#spec = spec;
    this.tensors = { lower: parameter(spec, !spec.symmetric), upper: parameter(spec) };
  }

  init(_observed: QParams, { min, max }: ObservedRange): void {
    const [lo, hi] = [Math.min(min[0], 0), Math.max(max[0], 0)];
    const { lower, upper } = this.tensors;
    upper.data[0] = this.#spec.symmetric ? Math.max(-lo, hi) : hi;
    lower.data[0] = this.#spec.symmetric ? -upper.data[0] : lo;
  }

  #bounds(): { lo: number; hi: number } {
    const hi = Math.max(this.tensors.upper.data[0], 0);
    return { lo: this.#spec.symmetric ? -hi : Math.min(this.tensors.lower.data[0], 0), hi };
  }

  qparams(): QParams {
    const { lo, hi } = this.#bounds();
    return chooseQParams(lo, hi, this.#spec);
  }

  fakeQuantize(x: Tensor): Tensor {
    const qparams = this.qparams();
    const { lower, upper } = this.tensors;
    const clipped = clampLearned(x, this.#spec.symmetric ? mul(upper, -1) : lower, upper);
    const value = dequantizeArray(quantizeArray(x.value, qparams), qparams);
    return straightThrough(clipped, value, null);
  }
}

/**
 * The bounds of the range are trained: each gets the sum of the gradients of the values that it clips, values inside pass
 * theirs on. After a ReLU the lower bound is and stays 0, which is the paper's PACT; other tensors have two bounds.
 * The paper decays the bounds like weights.
 */
export function pact(): QuantizerFactory {
  const make = (spec: TrainedSpec): TrainedQuantizer => {
    if (spec.role === 'weight')
      throw new QuantizationError(
        `${spec.name ?? 'x'}: pact() clips activations; take lsq() or dorefa() for weights, or plain fake quantization`,
      );
    return new LearnedClipping(spec);
  };
  return Object.assign(make, { observer: histogram() });
}
