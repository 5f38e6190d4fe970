/** The weight and bias of a normalisation. */
import { ArgumentError, NDArray } from '../core/index.js';
import type { Tensor } from '../autograd/index.js';

/** The inputs of a norm whose weight and bias may be missing. */
export function affineInputs(
  op: string,
  x: Tensor,
  weight: Tensor | null | undefined,
  bias: Tensor | null | undefined,
): Tensor[] {
  if (weight) return bias ? [x, weight, bias] : [x, weight];
  if (bias)
    throw new ArgumentError(`bias: ${op} got it without weight; give a weight of ones, or leave both out`);
  return [x];
}

/** Double precision sums -> gradients of weight and bias, which have one shape. */
export function parameterGrads(weight: NDArray, dWeight: Float64Array, dBias: Float64Array): NDArray[] {
  return [dWeight, dBias].map((sums) => {
    const grad = NDArray.like(weight);
    grad.data.set(sums);
    return grad;
  });
}
