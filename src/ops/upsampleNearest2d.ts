/** Nearest-neighbour resizing of NHWC images. */
import type { ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { pickPixels, sumPixels, type PixelMap } from './pixels.js';
import { inferUpsample, upsampleSize, type UpsampleAttrs, type UpsampleOptions } from './upsampling.js';

function nearest(x: ArraySpec, { size }: UpsampleAttrs): PixelMap {
  const axis = (length: number, count: number): Int32Array =>
    Int32Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
  return { rows: axis(x.shape[1], size[0]), columns: axis(x.shape[2], size[1]) };
}

export const upsampleNearest2dOp: OpDef<UpsampleAttrs> = {
  name: 'upsampleNearest2d',
  infer([x], attrs) {
    return inferUpsample('upsampleNearest2d', x, attrs);
  },
  forward(ctx, [x], attrs) {
    ctx.save(x);
    return pickPixels(x, nearest(x, attrs));
  },
  backward(ctx, grad, attrs) {
    const [x] = ctx.saved;
    return [sumPixels(grad, x, nearest(x, attrs))];
  },
};

/**
 * Output row i copies input row floor(i * H / OH), columns likewise.
 *
 * @param x [N, H, W, C], float32 or float64
 * @param options `{ size }` or `{ scale }`
 * @returns [N, OH, OW, C]
 */
export function upsampleNearest2d(x: Tensor, options: UpsampleOptions): Tensor {
  return apply(upsampleNearest2dOp, [x], { size: upsampleSize('upsampleNearest2d', x, options) });
}
