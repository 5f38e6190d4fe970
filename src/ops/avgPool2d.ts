/** Average pooling over sliding windows of NHWC images. */
import type { NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { avgPoolBackward, avgPoolForward, type AvgWindows } from './avgPooling.js';
import { checkFloats } from './checks.js';
import { checkLayout } from './layoutChecks.js';
import { windowTaps } from './taps.js';
import { toPadding, toPair, type PaddingOption, type Pair, type WindowAttrs } from './window.js';

export interface AvgPool2dOptions {
  /** [height, width], or one number for both */
  kernel: number | Pair;
  /** default: kernel */
  stride?: number | Pair;
  /** zeros around the image, default 0: a number, [height, width] or [top, bottom, left, right] */
  padding?: PaddingOption;
  /** lets the last window hang over the end; default false */
  ceilMode?: boolean;
  /** whether padding counts as elements of the mean; default true */
  countIncludePad?: boolean;
}

/** The dilation is always [1, 1]. */
export interface AvgPoolAttrs extends WindowAttrs {
  readonly countIncludePad: boolean;
}

function windows(x: NDArray, attrs: AvgPoolAttrs): AvgWindows {
  return { ...windowTaps('avgPool2d', x, attrs), countPadding: attrs.countIncludePad };
}

export const avgPool2dOp: OpDef<AvgPoolAttrs> = {
  name: 'avgPool2d',
  infer([x], attrs) {
    checkFloats('avgPool2d', { x });
    checkLayout('avgPool2d', 'x', x, 'N H W C');
    const { rows, columns } = windowTaps('avgPool2d', x, attrs);
    return { shape: [x.shape[0], rows.start.length, columns.start.length, x.shape[3]], dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    ctx.save(x);
    return avgPoolForward(x, windows(x, attrs));
  },
  backward(ctx, grad, attrs) {
    const [x] = ctx.saved;
    return [avgPoolBackward(grad, x, windows(x, attrs))];
  },
};

/**
 * The mean of each window.
 *
 * @param x [N, H, W, C], float32 or float64
 * @returns [N, OH, OW, C], OH = floor((H + top + bottom - kernel) / stride) + 1
 * @throws ShapeError when no window fits or one sees only padding; ArgumentError for a bad option
 */
export function avgPool2d(x: Tensor, options: AvgPool2dOptions): Tensor {
  const { kernel, stride = kernel, padding = 0, ceilMode = false, countIncludePad = true } = options;
  return apply(avgPool2dOp, [x], {
    kernel: toPair('kernel', kernel, 1),
    stride: toPair('stride', stride, 1),
    padding: toPadding(padding),
    dilation: [1, 1],
    ceilMode,
    countIncludePad,
  });
}
