/** Max pooling over sliding windows of NHWC images, and the indices of the maxima. */
import { NDArray, type ArraySpec } from '../core/index.js';
import { apply, noGrad, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats } from './checks.js';
import { checkLayout } from './layoutChecks.js';
import { maxPoolBackward, maxPoolForward } from './maxPooling.js';
import { windowTaps } from './taps.js';
import { toPadding, toPair, type PaddingOption, type Pair, type WindowAttrs } from './window.js';

export interface MaxPool2dOptions {
  /** [height, width], or one number for both */
  kernel: number | Pair;
  /** default: kernel */
  stride?: number | Pair;
  /** default 0: a number, [height, width] or [top, bottom, left, right]; padding never wins */
  padding?: PaddingOption;
  /** default 1 */
  dilation?: number | Pair;
  /** lets the last window hang over the end; default false */
  ceilMode?: boolean;
}

function inferPool(op: string, x: ArraySpec, attrs: WindowAttrs): number[] {
  checkFloats(op, { x });
  checkLayout(op, 'x', x, 'N H W C');
  const { rows, columns } = windowTaps(op, x, attrs);
  return [x.shape[0], rows.start.length, columns.start.length, x.shape[3]];
}

export const maxPool2dOp: OpDef<WindowAttrs> = {
  name: 'maxPool2d',
  infer([x], attrs) {
    return { shape: inferPool('maxPool2d', x, attrs), dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    const { rows, columns } = windowTaps('maxPool2d', x, attrs);
    if (!ctx.needsGrad[0]) return maxPoolForward(x, rows, columns, null);
    const winners = NDArray.empty(inferPool('maxPool2d', x, attrs), 'int32');
    ctx.save(x, winners);
    return maxPoolForward(x, rows, columns, winners.data);
  },
  backward(ctx, grad, attrs) {
    const [x, winners] = ctx.saved;
    const { rows, columns } = windowTaps('maxPool2d', x, attrs);
    return [maxPoolBackward(grad, rows, columns, winners.data as Int32Array, x)];
  },
};

export const argMaxPool2dOp: OpDef<WindowAttrs> = {
  name: 'argMaxPool2d',
  infer([x], attrs) {
    return { shape: inferPool('argMaxPool2d', x, attrs), dtype: 'int32' };
  },
  forward(_ctx, [x], attrs) {
    const { rows, columns } = windowTaps('argMaxPool2d', x, attrs);
    const winners = NDArray.empty(inferPool('argMaxPool2d', x, attrs), 'int32');
    maxPoolForward(x, rows, columns, winners.data);
    return winners;
  },
  backward: () => [null],
};

function toAttrs(options: MaxPool2dOptions): WindowAttrs {
  const { kernel, stride = kernel, padding = 0, dilation = 1, ceilMode = false } = options;
  return {
    kernel: toPair('kernel', kernel, 1),
    stride: toPair('stride', stride, 1),
    padding: toPadding(padding),
    dilation: toPair('dilation', dilation, 1),
    ceilMode,
  };
}

/**
 * The maximum of each window. Where elements tie, the first in row-major order receives the gradient.
 *
 * @param x [N, H, W, C], float32 or float64
 * @returns [N, OH, OW, C], OH = floor((H + top + bottom - dilation * (kernel - 1) - 1) / stride) + 1
 * @throws ShapeError when no window fits or one sees only padding; ArgumentError for a bad option
 */
export function maxPool2d(x: Tensor, options: MaxPool2dOptions): Tensor {
  return apply(maxPool2dOp, [x], toAttrs(options));
}

/** Where the maxima of {@link maxPool2d} are: int32 [N, OH, OW, C], `row * W + column`. Has no gradient. */
export function argMaxPool2d(x: Tensor, options: MaxPool2dOptions): Tensor {
  return noGrad(() => apply(argMaxPool2dOp, [x], toAttrs(options)));
}
