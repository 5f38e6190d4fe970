/** Which input positions each output position of a pooling op looks at, one axis at a time. */
import { ShapeError, type ArraySpec } from '../core/index.js';
import { checkFloats } from './checks.js';
import { checkLayout } from './layoutChecks.js';
import { windowGeometry, type Pair, type WindowAttrs } from './window.js';

/** Output position i sees start[i], start[i] + step, ... below end[i]: all inside the input, at least one. */
export interface Taps {
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly step: number;
  /** The length of each window with the padding that it covers, for averages that count padding. */
  readonly padded: Int32Array;
}

function slidingTaps(
  op: string,
  size: number,
  count: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
): Taps {
  const start = new Int32Array(count);
  const end = new Int32Array(count);
  const padded = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const first = i * stride - before;
    start[i] = first >= 0 ? first : first + Math.ceil(-first / dilation) * dilation;
    end[i] = Math.min(first + (kernel - 1) * dilation + 1, size);
    padded[i] = Math.min(first + kernel, size + after) - first;
    if (start[i] >= end[i])
      throw new ShapeError(
        `padding: ${op} would leave window ${i} (kernel ${kernel}, dilation ${dilation}) outside the ${size} input ` +
          `positions; pad less than the kernel`,
      );
  }
  return { start, end, step: dilation, padded };
}

/** The taps of rows and of columns of a sliding window. Throws ShapeError for a window that sees only padding. */
export function windowTaps(op: string, x: ArraySpec, attrs: WindowAttrs): { rows: Taps; columns: Taps } {
  const g = windowGeometry(op, x, attrs);
  const { kernel, stride, dilation, padding } = attrs;
  return {
    rows: slidingTaps(op, g.inHeight, g.outHeight, kernel[0], stride[0], dilation[0], padding[0], padding[1]),
    columns: slidingTaps(
      op,
      g.inWidth,
      g.outWidth,
      kernel[1],
      stride[1],
      dilation[1],
      padding[2],
      padding[3],
    ),
  };
}

export interface AdaptivePoolAttrs {
  readonly outputSize: Pair;
}

/** The output shape of adaptive max and average pooling. */
export function inferAdaptivePool(op: string, x: ArraySpec, { outputSize }: AdaptivePoolAttrs): number[] {
  checkFloats(op, { x });
  checkLayout(op, 'x', x, 'N H W C');
  const [batch, height, width, channels] = x.shape;
  if (height === 0 || width === 0)
    throw new ShapeError(`x: ${op} got an image of ${height} x ${width}; it must not be empty`);
  return [batch, outputSize[0], outputSize[1], channels];
}

/** Window i covers floor(i * size / count) up to ceil((i + 1) * size / count) (PyTorch's adaptive pooling). */
export function adaptiveTaps(size: number, count: number): Taps {
  const start = Int32Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
  const end = Int32Array.from({ length: count }, (_, i) => Math.ceil(((i + 1) * size) / count));
  return { start, end, step: 1, padded: end.map((e, i) => e - start[i]) };
}

export function tapCount(taps: Taps, i: number): number {
  return Math.ceil((taps.end[i] - taps.start[i]) / taps.step);
}
