/**
 * Learned step sizes: LSQ (Esser et al. 2020, "Learned step size quantization", arXiv:1902.08153) and LSQ+ with learned
 * offsets (Bhalgat et al. 2020, "LSQ+: Improving low-bit quantization through learnable offsets and better
 * initialization", arXiv:2004.09576).
 */
import type { Tensor } from '../../autograd/index.js';
import { checkQParams, qdtypeOf, type QParams } from '../../core/index.js';
import { effectiveQuantization, fakeQuantizeLearned, mul } from '../../ops/index.js';
import { histogram } from '../observers/index.js';
import { parameter, type QuantizerFactory, type TrainedQuantizer, type TrainedSpec } from './types.js';

class LearnedStep implements TrainedQuantizer {
  readonly follows = false;
  /**
   * The offset is the zero point as a share of the range of codes: in codes, the steps of a learning rate that suits scales
   * would never move it to the next whole number.
   */
  readonly tensors: { readonly scale: Tensor; readonly offset: Tensor };
  readonly #spec: TrainedSpec;
  readonly #steps: number;

  constructor(spec: TrainedSpec, learnZeroPoint: boolean) {
    this.#spec = spec;
    this.#steps = spec.quantMax - spec.quantMin;
    this.tensors = { scale: parameter(spec), offset: parameter(spec, learnZeroPoint) };
  }

  init({ scale, zeroPoint }: QParams): void {
    this.tensors.scale.data.set(scale);
    this.tensors.offset.data.set(Float32Array.from(zeroPoint, (z) => z / this.#steps));
  }

  get #zeroPoint(): Tensor {
    return mul(this.tensors.offset, this.#steps);
  }

  qparams(): QParams {
    const { quantMin, quantMax, axis, name = 'x' } = this.#spec;
    const { s, z } = effectiveQuantization(this.tensors.scale.value, this.#zeroPoint.value, {
      quantMin,
      quantMax,
    });
    const [scale, zeroPoint] = [Float32Array.from(s), Int32Array.from(z)];
    return checkQParams(
      { dtype: qdtypeOf({ quantMin, quantMax }), scale, zeroPoint, axis, quantMin, quantMax },
      name,
    );
  }

  fakeQuantize(x: Tensor): Tensor {
    return fakeQuantizeLearned(x, this.tensors.scale, this.#zeroPoint, this.#spec);
  }
}

/** The scale is trained, from the one of least squared error on; the zero point stays the observed one. */
export function lsq(): QuantizerFactory {
  return Object.assign((spec: TrainedSpec) => new LearnedStep(spec, false), { observer: histogram() });
}

/** The zero point is trained as well, where there is one: symmetric tensors, weights among them, have none. */
export function lsqPlus(): QuantizerFactory {
  return Object.assign((spec: TrainedSpec) => new LearnedStep(spec, !spec.symmetric), {
    observer: histogram(),
  });
}
