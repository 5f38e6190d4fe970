/**
 * Learned step sizes: LSQ (Esser et al. 2020, "Learned step size quantization", arXiv:1902.08153) and LSQ+ with learned
 * offsets (Bhalgat et al. 2020, "LSQ+: Improving low-bit quantization through learnable offsets and better
 * initialization", arXiv:2004.09576).
 */
import type { Tensor } from '../../autograd/index.js';
import { checkQParams, qdtypeOf, type QParams } from '../../core/index.js';
import { effectiveQuantization, fakeQuantizeLearned } from '../../ops/index.js';
import { histogram } from '../observers/index.js';
import { parameter, type QuantizerFactory, type TrainedQuantizer, type TrainedSpec } from './types.js';

class LearnedStep implements TrainedQuantizer {
  readonly follows = false;
  readonly tensors: { readonly scale: Tensor; readonly zeroPoint: Tensor };
  readonly #spec: TrainedSpec;

  constructor(spec: TrainedSpec, learnZeroPoint: boolean) {
    this.#spec = spec;
    this.tensors = { scale: parameter(spec), zeroPoint: parameter(spec, learnZeroPoint) };
  }

  init({ scale, zeroPoint }: QParams): void {
    this.tensors.scale.data.set(scale);
    this.tensors.zeroPoint.data.set(zeroPoint);
  }

  qparams(): QParams {
    const { quantMin, quantMax, axis, name = 'x' } = this.#spec;
    const { s, z } = effectiveQuantization(this.tensors.scale.value, this.tensors.zeroPoint.value, {
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
    return fakeQuantizeLearned(x, this.tensors.scale, this.tensors.zeroPoint, this.#spec);
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
