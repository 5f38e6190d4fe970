/** The fully connected layer. */
import type { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import type { Random } from '../core/index.js';
import { linear } from '../ops/index.js';
import { kaimingUniform, uniform } from './init.js';
import { Module, Parameter } from './module.js';

export interface LinearOptions {
  bias?: boolean;
  random?: Random | undefined;
}

/** `y = x W^T + b`: x [..., inFeatures] -> [..., outFeatures]; weight [outFeatures, inFeatures], bias [outFeatures]. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /** Weight and bias start uniform within `1 / sqrt(inFeatures)`, PyTorch's default. */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    checkWhole('inFeatures', inFeatures);
    checkWhole('outFeatures', outFeatures);
    this.weight = Parameter.full([outFeatures, inFeatures], 0);
    this.bias = options.bias === false ? null : Parameter.full([outFeatures], 0);
    initWeight(this.weight, this.bias, options.random);
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** PyTorch's default: `kaimingUniform` with negative slope sqrt(5), that is, a bound of `1 / sqrt(fanIn)`, for both. */
export function initWeight(weight: Parameter, bias: Parameter | null, random: Random | undefined): void {
  kaimingUniform(weight, { gain: Math.sqrt(1 / 3), random });
  const bound = Math.sqrt(weight.shape[0] / weight.size);
  if (bias !== null) uniform(bias, -bound, bound, random);
}
