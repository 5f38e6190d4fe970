/** Max pooling to a given output size, and the indices of the maxima. */
import { NDArray } from '../core/index.js';
import { apply, noGrad, type OpDef, type Tensor } from '../autograd/index.js';
import { maxPoolBackward, maxPoolForward } from './maxPooling.js';
import { adaptiveTaps, inferAdaptivePool, type AdaptivePoolAttrs, type Taps } from './taps.js';
import { toPair, type Pair } from './window.js';

function windows(x: NDArray, { outputSize }: AdaptivePoolAttrs): [rows: Taps, columns: Taps] {
  return [adaptiveTaps(x.shape[1], outputSize[0]), adaptiveTaps(x.shape[2], outputSize[1])];
}

function pool(x: NDArray, attrs: AdaptivePoolAttrs, winners: Int32Array | null): NDArray {
  return maxPoolForward(x, ...windows(x, attrs), winners);
}

export const adaptiveMaxPool2dOp: OpDef<AdaptivePoolAttrs> = {
  name: 'adaptiveMaxPool2d',
  infer([x], attrs) {
    return { shape: inferAdaptivePool('adaptiveMaxPool2d', x, attrs), dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    if (!ctx.needsGrad[0]) return pool(x, attrs, null);
    const winners = NDArray.empty(inferAdaptivePool('adaptiveMaxPool2d', x, attrs), 'int32');
    ctx.save(x, winners);
    return pool(x, attrs, winners.data);
  },
  backward(ctx, grad, attrs) {
    const [x, winners] = ctx.saved;
    return [maxPoolBackward(grad, ...windows(x, attrs), winners.data as Int32Array, x)];
  },
};

export const argAdaptiveMaxPool2dOp: OpDef<AdaptivePoolAttrs> = {
  name: 'argAdaptiveMaxPool2d',
  infer([x], attrs) {
    return { shape: inferAdaptivePool('argAdaptiveMaxPool2d', x, attrs), dtype: 'int32' };
  },
  forward(_ctx, [x], attrs) {
    const winners = NDArray.empty(inferAdaptivePool('argAdaptiveMaxPool2d', x, attrs), 'int32');
    pool(x, attrs, winners.data);
    return winners;
  },
  backward: () => [null],
};

/**
 * The maximum of each window; window i of n covers floor(i * H / n) up to ceil((i + 1) * H / n).
 *
 * @param x [N, H, W, C], float32 or float64
 * @param outputSize [OH, OW], or one number for both
 * @returns [N, OH, OW, C]
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: number | Pair): Tensor {
  return apply(adaptiveMaxPool2dOp, [x], { outputSize: toPair('outputSize', outputSize, 1) });
}

/** Where the maxima of {@link adaptiveMaxPool2d} are: int32 [N, OH, OW, C], `row * W + column`. Has no gradient. */
export function argAdaptiveMaxPool2d(x: Tensor, outputSize: number | Pair): Tensor {
  return noGrad(() =>
    apply(argAdaptiveMaxPool2dOp, [x], { outputSize: toPair('outputSize', outputSize, 1) }),
  );
}
