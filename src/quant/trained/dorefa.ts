/**
 * DoReFa weights (Zhou et al. 2016, "DoReFa-Net: Training low bitwidth convolutional neural networks with low bitwidth
 * gradients", arXiv:1606.06160, equation 9): a tanh brings outlying weights in before they are quantized.
 */
import { Tensor } from '../../autograd/index.js';
import { NDArray, QuantizationError, type QParams } from '../../core/index.js';
import { fakeQuantize, mul, tanh } from '../../ops/index.js';
import type { ObservedRange } from '../observers/index.js';
import type { QuantizerFactory, TrainedQuantizer, TrainedSpec } from './types.js';

class TanhWeights implements TrainedQuantizer {
  readonly tensors = {};
  readonly rate = 1;
  readonly follows = true;
  #qparams!: QParams;
  #factor!: Float32Array;

  constructor(private readonly axis: TrainedSpec['axis']) {}

  init(observed: QParams, { min, max }: ObservedRange): void {
    this.#qparams = observed;
    this.#factor = Float32Array.from(max, (hi, c) => {
      const m = Math.max(-min[c], hi);
      return m > 0 ? m / Math.tanh(m) : 1;
    });
  }

  qparams(): QParams {
    return this.#qparams;
  }

  fakeQuantize(x: Tensor): Tensor {
    const shape = x.shape.map((d, i) => (i === this.axis ? d : 1));
    const factor = new Tensor(new NDArray(this.#factor.slice(), shape));
    return fakeQuantize(mul(tanh(x), factor), this.#qparams);
  }
}

/**
 * `tanh(w) * m / tanh(m)`, m = max|w| of the tensor or channel, then symmetric fake quantization. Two things differ from
 * the paper: the result keeps the range of w instead of [-1, 1], so that a trained network goes on where it was; and 0
 * has a code, as integer kernels want it, where the paper's levels lie on both sides of 0. m is a constant of the tape.
 */
export function dorefa(): QuantizerFactory {
  return ({ role, axis, name = 'x' }) => {
    if (role === 'activation')
      throw new QuantizationError(
        `${name}: dorefa() reshapes weights; take pact() or lsqPlus() for activations, or plain fake quantization`,
      );
    return new TanhWeights(axis);
  };
}
