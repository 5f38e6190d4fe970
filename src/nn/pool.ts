/** Pooling and upsampling layers for NHWC images. */
import type { Tensor } from '../autograd/index.js';
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  maxPool2d,
  upsampleBilinear2d,
  upsampleNearest2d,
} from '../ops/index.js';
import type { Size2d } from './checks.js';
import type { Padding } from './conv.js';
import { Module } from './module.js';

export interface PoolOptions {
  /** Default: the kernel. */
  stride?: Size2d;
  padding?: Padding;
  /** Also take windows that reach beyond the bottom and right edge; default false. */
  ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  dilation?: Size2d;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Count padded cells in the mean; default true. */
  countIncludePad?: boolean;
}

export class MaxPool2d extends Module {
  constructor(
    readonly kernel: Size2d,
    readonly options: MaxPoolOptions = {},
  ) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, { kernel: this.kernel, ...this.options });
  }
}

export class AvgPool2d extends Module {
  constructor(
    readonly kernel: Size2d,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, { kernel: this.kernel, ...this.options });
  }
}

/** Mean over windows chosen so that the output has `outputSize`; 1 is the global mean. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Size2d) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

export class AdaptiveMaxPool2d extends Module {
  constructor(readonly outputSize: Size2d) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

export type UpsampleOptions = ({ size: Size2d } | { scale: Size2d }) &
  ({ mode?: 'nearest' } | { mode: 'bilinear'; alignCorners?: boolean });

/** Enlarges to a size or by a factor, by repetition (default) or bilinear interpolation. */
export class Upsample extends Module {
  constructor(readonly options: UpsampleOptions) {
    super();
  }
  override forward(x: Tensor): Tensor {
    const { options } = this;
    const target = 'size' in options ? { size: options.size } : { scale: options.scale };
    return options.mode === 'bilinear'
      ? upsampleBilinear2d(x, { ...target, alignCorners: options.alignCorners ?? false })
      : upsampleNearest2d(x, target);
  }
}
