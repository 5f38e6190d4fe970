/** Quantizers beyond plain fake quantization: their parameters are trained, or they reshape what they quantize. */
import { Tensor } from '../../autograd/index.js';
import { NDArray, type QParams } from '../../core/index.js';
import { persistent } from '../../ops/index.js';
import type { ObservedRange, ObserverFactory, ObserverSpec } from '../observers/index.js';

/** An observer gives the initial parameters; from then on gradients move them. */
export interface TrainedQuantizer {
  /** By short names, such as 'scale'. Those that require no gradient are only kept, as a zero point of LSQ is. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /**
   * Learning rate that suits the tensors with Adam, as a multiple of that of the weights: Adam moves small and large numbers alike,
   * scales are small numbers, bounds are as large as what they bound.
   */
  readonly rate: number;
  /** Whether observers go on watching in training, and `init` is called after each batch. */
  readonly follows: boolean;
  init(observed: QParams, range: ObservedRange): void;
  /** Of the current parameters: positive scales, whole zero points. */
  qparams(): QParams;
  /** On the tape; its value is on the grid of {@link qparams}. */
  fakeQuantize(x: Tensor): Tensor;
  /** What is quantized was multiplied by these, positive, one per channel: codes stay where there is a scale for each. */
  rescale?(factors: Float32Array): void;
}

export interface TrainedSpec extends ObserverSpec {
  readonly role: 'weight' | 'activation';
  /** Of the axis that has a scale per index; 1 per tensor. */
  readonly channels: number;
}

/** Makes the quantizer of one tensor. Throws QuantizationError for a tensor that the method is not made for. */
export interface QuantizerFactory {
  (spec: TrainedSpec): TrainedQuantizer;
  /** What gives the initial parameters where the config names no observer. */
  readonly observer?: ObserverFactory;
}

/** float32 [channels], in the memory of the kernels. */
export function parameter({ channels }: TrainedSpec, requiresGrad = true): Tensor {
  return new Tensor(
    persistent(() => NDArray.full([channels], 1, 'float32')),
    { requiresGrad },
  );
}
