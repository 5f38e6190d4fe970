/** Average pooling to a given output size; [1, 1] is global average pooling. */
import type { NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { avgPoolBackward, avgPoolForward, type AvgWindows } from './avgPooling.js';
import { adaptiveTaps, inferAdaptivePool, type AdaptivePoolAttrs } from './taps.js';
import { toPair, type Pair } from './window.js';

function windows(x: NDArray, { outputSize }: AdaptivePoolAttrs): AvgWindows {
  return {
    rows: adaptiveTaps(x.shape[1], outputSize[0]),
    columns: adaptiveTaps(x.shape[2], outputSize[1]),
    countPadding: false,
  };
}

export const adaptiveAvgPool2dOp: OpDef<AdaptivePoolAttrs> = {
  name: 'adaptiveAvgPool2d',
  infer([x], attrs) {
    return { shape: inferAdaptivePool('adaptiveAvgPool2d', x, attrs), dtype: x.dtype };
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
 * The mean of each window; window i of n covers floor(i * H / n) up to ceil((i + 1) * H / n).
 *
 * @param x [N, H, W, C], float32 or float64
 * @param outputSize [OH, OW], or one number for both
 * @returns [N, OH, OW, C]
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: number | Pair): Tensor {
  return apply(adaptiveAvgPool2dOp, [x], { outputSize: toPair('outputSize', outputSize, 1) });
}
