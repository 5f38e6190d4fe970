/** Convolution layers: NHWC images, OHWI weights. */
import type { Tensor } from '../autograd/index.js';
import { checkWhole } from '../core/checks.js';
import type { Random } from '../core/index.js';
import { conv2d, convTranspose2d } from '../ops/index.js';
import { checkDivides, pair, type Size2d } from './checks.js';
import { initWeight } from './linear.js';
import { Module, Parameter } from './module.js';

/** The same on all sides, [height, width], or [top, bottom, left, right]. */
export type Padding = number | readonly [number, number] | readonly [number, number, number, number];

export interface Conv2dOptions {
  stride?: Size2d;
  padding?: Padding;
  dilation?: Size2d;
  groups?: number;
  bias?: boolean;
  random?: Random | undefined;
}

/** x [N, H, W, inChannels] -> [N, H', W', outChannels]; weight [outChannels, kh, kw, inChannels / groups]. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly stride: Size2d;
  readonly padding: Padding;
  readonly dilation: Size2d;
  readonly groups: number;

  /** Weight and bias start uniform within `1 / sqrt(fanIn)`, PyTorch's default. */
  constructor(inChannels: number, outChannels: number, kernel: Size2d, options: Conv2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    const [kh, kw] = checkWindow(inChannels, outChannels, kernel, groups);
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.groups = groups;
    this.weight = Parameter.full([outChannels, kh, kw, inChannels / groups], 0);
    this.bias = bias ? Parameter.full([outChannels], 0) : null;
    initWeight(this.weight, this.bias, options.random);
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups } = this;
    return conv2d(x, this.weight, this.bias, { stride, padding, dilation, groups });
  }
}

export interface DepthwiseConv2dOptions extends Omit<Conv2dOptions, 'groups'> {
  /** Output channels per input channel; default 1. */
  multiplier?: number;
}

/** A convolution of every channel by itself: {@link Conv2d} with as many groups as channels. */
export class DepthwiseConv2d extends Conv2d {
  constructor(channels: number, kernel: Size2d, options: DepthwiseConv2dOptions = {}) {
    const { multiplier = 1, ...rest } = options;
    checkWhole('multiplier', multiplier);
    super(channels, channels * multiplier, kernel, { ...rest, groups: channels });
  }
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** Rows and columns added at the bottom and right, where the stride leaves the size open; default 0. */
  outputPadding?: Size2d;
}

/** x [N, H, W, inChannels] -> [N, H', W', outChannels]; weight [inChannels, kh, kw, outChannels / groups]. */
export class ConvTranspose2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly stride: Size2d;
  readonly padding: Padding;
  readonly outputPadding: Size2d;
  readonly dilation: Size2d;
  readonly groups: number;

  constructor(inChannels: number, outChannels: number, kernel: Size2d, options: ConvTranspose2dOptions = {}) {
    super();
    const { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias = true } = options;
    const [kh, kw] = checkWindow(inChannels, outChannels, kernel, groups);
    this.stride = stride;
    this.padding = padding;
    this.outputPadding = outputPadding;
    this.dilation = dilation;
    this.groups = groups;
    this.weight = Parameter.full([inChannels, kh, kw, outChannels / groups], 0);
    this.bias = bias ? Parameter.full([outChannels], 0) : null;
    initWeight(this.weight, this.bias, options.random);
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding, outputPadding, dilation, groups } = this;
    return convTranspose2d(x, this.weight, this.bias, { stride, padding, outputPadding, dilation, groups });
  }
}

function checkWindow(inChannels: number, outChannels: number, kernel: Size2d, groups: number) {
  checkWhole('inChannels', inChannels);
  checkWhole('outChannels', outChannels);
  checkDivides('groups', groups, 'inChannels', inChannels);
  checkDivides('groups', groups, 'outChannels', outChannels);
  const [kh, kw] = pair(kernel);
  checkWhole('kernel', kh);
  checkWhole('kernel', kw);
  return [kh, kw] as const;
}
