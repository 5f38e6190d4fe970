/**
 * Sliding windows over NHWC images: reading kernel, stride, padding and dilation from options, output sizes, and the
 * geometry that kernels take.
 */
import { checkWhole } from '../core/checks.js';
import { ArgumentError, ShapeError, type ArraySpec } from '../core/index.js';
import type { ConvGeometry, WindowGeometry } from '../../kernels/index.js';

/** [height, width] */
export type Pair = readonly [number, number];
/** [top, bottom, left, right] */
export type Padding = readonly [number, number, number, number];
/** A number for all sides, [height, width], or [top, bottom, left, right]. */
export type PaddingOption = number | Pair | Padding;

export interface WindowAttrs {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly ceilMode: boolean;
}

/** One number or [height, width] -> [height, width]. Throws ArgumentError below `min` or for fractions. */
export function toPair(name: string, value: number | Pair, min: number): Pair {
  const pair: Pair = typeof value === 'number' ? [value, value] : value;
  if (pair.length !== 2)
    throw new ArgumentError(`${name}: [${pair.join(', ')}] must be one number or [height, width]`);
  for (const v of pair) checkWhole(name, v, min);
  return [pair[0], pair[1]];
}

export function toPadding(value: PaddingOption): Padding {
  const p: readonly number[] = typeof value === 'number' ? [value] : value;
  for (const v of p) checkWhole('padding', v, 0);
  if (p.length === 1) return [p[0], p[0], p[0], p[0]];
  if (p.length === 2) return [p[0], p[0], p[1], p[1]];
  if (p.length === 4) return [p[0], p[1], p[2], p[3]];
  throw new ArgumentError(
    `padding: [${p.join(', ')}] must be a number, [height, width] or [top, bottom, left, right]`,
  );
}

/**
 * Windows that fit along one axis: `floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1`. With
 * `ceilMode` the last window may hang over the end, if it starts inside the image or the padding before it (PyTorch's
 * pooling rule).
 */
export function windowCount(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
  ceilMode: boolean,
): number {
  const room = size + before + after - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Throws ShapeError when not a single window fits into the padded image. */
export function windowGeometry(op: string, x: ArraySpec, attrs: WindowAttrs): WindowGeometry {
  const [batch, inHeight, inWidth] = x.shape;
  const { kernel, stride, padding, dilation, ceilMode } = attrs;
  const outHeight = windowCount(
    inHeight,
    kernel[0],
    stride[0],
    dilation[0],
    padding[0],
    padding[1],
    ceilMode,
  );
  const outWidth = windowCount(inWidth, kernel[1], stride[1], dilation[1], padding[2], padding[3], ceilMode);
  if (outHeight === 0 || outWidth === 0)
    throw new ShapeError(
      `x: too small for ${op}, kernel [${kernel.join(', ')}] and dilation [${dilation.join(', ')}] does not fit into ` +
        `${inHeight} x ${inWidth} padded by [${padding.join(', ')}]; use a smaller kernel or more padding`,
    );
  return {
    batch,
    inHeight,
    inWidth,
    outHeight,
    outWidth,
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideHeight: stride[0],
    strideWidth: stride[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    padTop: padding[0],
    padLeft: padding[2],
  };
}

export interface ConvAttrs {
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly groups: number;
}

export interface Conv2dOptions {
  /** default 1 */
  stride?: number | Pair;
  /** zeros around the image, default 0: a number, [height, width] or [top, bottom, left, right] */
  padding?: PaddingOption;
  /** distance of the taps, default 1 */
  dilation?: number | Pair;
  /** default 1; the number of channels makes it depthwise */
  groups?: number;
}

/** Fills in the defaults. Throws ArgumentError for a bad option. */
export function convAttrs({ stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions): ConvAttrs {
  checkWhole('groups', groups);
  return {
    stride: toPair('stride', stride, 1),
    padding: toPadding(padding),
    dilation: toPair('dilation', dilation, 1),
    groups,
  };
}

/** x is [N, H, W, I], weight is [O, kh, kw, I / groups]; shapes have been checked. */
export function convGeometry(op: string, x: ArraySpec, weight: ArraySpec, attrs: ConvAttrs): ConvGeometry {
  const kernel: Pair = [weight.shape[1], weight.shape[2]];
  return {
    ...windowGeometry(op, x, { ...attrs, kernel, ceilMode: false }),
    inChannels: x.shape[3],
    outChannels: weight.shape[0],
    groups: attrs.groups,
  };
}
