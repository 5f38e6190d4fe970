/**
 * Weight initialisation: Kaiming (He et al. 2015) and Xavier (Glorot & Bengio 2010), uniform and normal.
 * Weights have their outputs on the first axis and their inputs on the last ([out, in], [O, kh, kw, I]); what lies
 * between is the receptive field.
 */
import type { Tensor } from '../autograd/index.js';
import {
  ArgumentError,
  defaultRandom,
  formatShape,
  ShapeError,
  type Random,
  type Shape,
} from '../core/index.js';

export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

/** The factor by which a nonlinearity shrinks its input's deviation, undone: PyTorch's table. */
export function gainOf(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + negativeSlope ** 2));
    case 'selu':
      return 3 / 4;
    default:
      throw new ArgumentError(
        `nonlinearity: '${String(nonlinearity)}' has no gain; use linear, sigmoid, tanh, relu, leakyRelu or selu`,
      );
  }
}

export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

/** Inputs and outputs of one unit of a weight. Throws ShapeError for fewer than two dimensions. */
export function fansOf(shape: Shape): Fans {
  if (shape.length < 2)
    throw new ShapeError(
      `weight: shape ${formatShape(shape)} has no fan; it needs an output and an input axis`,
    );
  const receptive = shape.slice(1, -1).reduce((a, b) => a * b, 1);
  return { fanIn: shape[shape.length - 1] * receptive, fanOut: shape[0] * receptive };
}

export interface KaimingOptions {
  /** See {@link gainOf}; default that of ReLU. */
  gain?: number;
  /** Keep the deviation of activations (fanIn, default) or of gradients (fanOut). */
  mode?: 'fanIn' | 'fanOut';
  random?: Random | undefined;
}

export interface XavierOptions {
  /** Default 1. */
  gain?: number;
  random?: Random | undefined;
}

/** `gain / sqrt(fan)` */
export function kaimingStd(shape: Shape, options: KaimingOptions = {}): number {
  const { gain = Math.SQRT2, mode = 'fanIn' } = options;
  return gain / Math.sqrt(fansOf(shape)[mode]);
}

/** `gain * sqrt(3 / fan)` */
export function kaimingBound(shape: Shape, options: KaimingOptions = {}): number {
  return Math.sqrt(3) * kaimingStd(shape, options);
}

/** `gain * sqrt(2 / (fanIn + fanOut))` */
export function xavierStd(shape: Shape, options: XavierOptions = {}): number {
  const { fanIn, fanOut } = fansOf(shape);
  return (options.gain ?? 1) * Math.sqrt(2 / (fanIn + fanOut));
}

/** `gain * sqrt(6 / (fanIn + fanOut))` */
export function xavierBound(shape: Shape, options: XavierOptions = {}): number {
  return Math.sqrt(3) * xavierStd(shape, options);
}

/** Fills `t` in place with values between `low` and `high`. */
export function uniform<T extends Tensor>(
  t: T,
  low: number,
  high: number,
  random: Random = defaultRandom(),
): T {
  for (let i = 0; i < t.data.length; i++) t.data[i] = random.uniform(low, high);
  return t;
}

/** Fills `t` in place with values of the normal distribution. */
export function normal<T extends Tensor>(
  t: T,
  mean: number,
  std: number,
  random: Random = defaultRandom(),
): T {
  for (let i = 0; i < t.data.length; i++) t.data[i] = mean + std * random.normal();
  return t;
}

export function kaimingUniform<T extends Tensor>(t: T, options: KaimingOptions = {}): T {
  const bound = kaimingBound(t.shape, options);
  return uniform(t, -bound, bound, options.random);
}

export function kaimingNormal<T extends Tensor>(t: T, options: KaimingOptions = {}): T {
  return normal(t, 0, kaimingStd(t.shape, options), options.random);
}

export function xavierUniform<T extends Tensor>(t: T, options: XavierOptions = {}): T {
  const bound = xavierBound(t.shape, options);
  return uniform(t, -bound, bound, options.random);
}

export function xavierNormal<T extends Tensor>(t: T, options: XavierOptions = {}): T {
  return normal(t, 0, xavierStd(t.shape, options), options.random);
}
