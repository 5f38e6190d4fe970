/**
 * Learned step sizes: LSQ (Esser et al. 2020, "Learned step size quantization", arXiv:1902.08153) and LSQ+ with learned
 * offsets (Bhalgat et al. 2020, "LSQ+: Improving low-bit quantization through learnable offsets and better
 * initialization", arXiv:2004.09576). Three things differ from the papers: scales begin with the least squared error on what was
 * observed, not with a rule of thumb for bell curves; N of the gradient's factor counts the values of a whole batch, as in
 * PyTorch; and the offset of LSQ+ is learned as a zero point, so that 0 keeps a code.
 */
import type { Tensor } from '../../autograd/index.js';
import { checkQParams, qdtypeOf, type QParams } from '../../core/index.js';
import { effectiveQuantization, fakeQuantizeLearned, mul } from '../../ops/index.js';
import { histogram } from '../observers/index.js';
import { parameter, type QuantizerFactory, type TrainedQuantizer, type TrainedSpec } from './types.js';

class LearnedStep implements TrainedQuantizer {
  readonly rate = 0.1;
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
    const zeroPoint = this.#zeroPoint;
    return fakeQuantizeLearned(x, this.tensors.scale, zeroPoint, {
      ...this.#spec,
      gradFactor: this.#gradFactor(x),
    });
  }

  /** `1 / sqrt(N Q)`, Q the steps from 0 to the farther end: after a ReLU all of them, whether codes are signed or not. */
  #gradFactor({ size }: Tensor): number | 'lsq' {
    const { quantMin, quantMax, symmetric } = this.#spec;
    if (symmetric) return 'lsq';
    const [z] = this.qparams().zeroPoint;
    return 1 / Math.sqrt(Math.max(size, 1) * Math.max(quantMax - z, z - quantMin));
  }

  rescale(factors: Float32Array): void {
    const { data } = this.tensors.scale;
    if (this.#spec.axis !== null) factors.forEach((f, c) => (data[c] *= f));
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
