/** Normalisation layers. The channel axis is the last one. */
import type { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import { ArgumentError, type Shape } from '../core/index.js';
import { batchNorm, groupNorm, layerNorm } from '../ops/index.js';
import { checkDivides } from './checks.js';
import { Buffer, Module, Parameter } from './module.js';

export interface BatchNormOptions {
  /** `running = (1 - momentum) * running + momentum * batch`; default 0.1. */
  momentum?: number;
  /** Default 1e-5. */
  eps?: number;
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015) of the last axis, for [N, C] as well as [N, H, W, C]. Training uses the
 * statistics of the batch and averages them, variance unbiased; evaluation uses the averages.
 */
export class BatchNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  readonly momentum: number;
  readonly eps: number;

  constructor(channels: number, options: BatchNormOptions = {}) {
    super();
    checkWhole('channels', channels);
    this.momentum = options.momentum ?? 0.1;
    this.eps = options.eps ?? 1e-5;
    if (!(this.momentum >= 0 && this.momentum <= 1))
      throw new ArgumentError(`momentum: ${this.momentum} must lie between 0 and 1`);
    this.weight = Parameter.full([channels], 1);
    this.bias = Parameter.full([channels], 0);
    this.runningMean = Buffer.full([channels], 0);
    this.runningVar = Buffer.full([channels], 1);
  }

  override forward(x: Tensor): Tensor {
    const { momentum, eps, training } = this;
    const [runningMean, runningVar] = [this.runningMean.value, this.runningVar.value];
    return batchNorm(x, this.weight, this.bias, { runningMean, runningVar, training, momentum, eps });
  }
}

export interface AffineNormOptions {
  /** Default 1e-5. */
  eps?: number;
  /** Has a weight and a bias; default true. */
  affine?: boolean;
}

/** Layer normalisation (Ba et al. 2016) over the trailing axes of `normalizedShape`. */
export class LayerNorm extends Module {
  readonly normalizedShape: Shape;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly eps: number;

  constructor(normalizedShape: number | Shape, options: AffineNormOptions = {}) {
    super();
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    for (const d of this.normalizedShape) checkWhole('normalizedShape', d);
    const { affine = true, eps = 1e-5 } = options;
    this.eps = eps;
    this.weight = affine ? Parameter.full(this.normalizedShape, 1) : null;
    this.bias = affine ? Parameter.full(this.normalizedShape, 0) : null;
  }

  override forward(x: Tensor): Tensor {
    const { normalizedShape, weight, bias, eps } = this;
    return layerNorm(x, { normalizedShape, weight, bias, eps });
  }
}

/** Group normalisation (Wu & He 2018): every image by itself, channels in groups. */
export class GroupNorm extends Module {
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly groups: number;
  readonly eps: number;

  constructor(groups: number, channels: number, options: AffineNormOptions = {}) {
    super();
    checkWhole('channels', channels);
    checkDivides('groups', groups, 'channels', channels);
    const { affine = true, eps = 1e-5 } = options;
    this.groups = groups;
    this.eps = eps;
    this.weight = affine ? Parameter.full([channels], 1) : null;
    this.bias = affine ? Parameter.full([channels], 0) : null;
  }

  override forward(x: Tensor): Tensor {
    const { groups, weight, bias, eps } = this;
    return groupNorm(x, { groups, weight, bias, eps });
  }
}
