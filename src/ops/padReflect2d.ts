/** Padding of NHWC images by reflection about their border pixels (which are not repeated). */
import { ShapeError, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats } from './checks.js';
import { checkLayout } from './layoutChecks.js';
import { pickPixels, sumPixels, type PixelMap } from './pixels.js';
import { toPadding, type Padding } from './window.js';

export interface PadReflect2dAttrs {
  /** [top, bottom, left, right] */
  readonly padding: Padding;
}

function reflected(x: ArraySpec, { padding: [top, bottom, left, right] }: PadReflect2dAttrs): PixelMap {
  const axis = (size: number, before: number, after: number): Int32Array =>
    Int32Array.from(
      { length: before + size + after },
      (_, i) => size - 1 - Math.abs(size - 1 - Math.abs(i - before)),
    );
  return { rows: axis(x.shape[1], top, bottom), columns: axis(x.shape[2], left, right) };
}

export const padReflect2dOp: OpDef<PadReflect2dAttrs> = {
  name: 'padReflect2d',
  infer([x], { padding: [top, bottom, left, right] }) {
    checkFloats('padReflect2d', { x });
    checkLayout('padReflect2d', 'x', x, 'N H W C');
    const [batch, height, width, channels] = x.shape;
    if (Math.max(top, bottom) >= height || Math.max(left, right) >= width)
      throw new ShapeError(
        `padding: [${[top, bottom, left, right].join(', ')}] must be smaller than the image, ${height} x ${width}`,
      );
    return { shape: [batch, height + top + bottom, width + left + right, channels], dtype: x.dtype };
  },
  forward(ctx, [x], attrs) {
    ctx.save(x);
    return pickPixels(x, reflected(x, attrs));
  },
  backward(ctx, grad, attrs) {
    const [x] = ctx.saved;
    return [sumPixels(grad, x, reflected(x, attrs))];
  },
};

/**
 * Mirrors the image at its borders: with padding 2 the row [a b c] becomes [c b a b c b a].
 *
 * @param x [N, H, W, C], float32 or float64
 * @param padding [top, bottom, left, right], each smaller than the image
 * @returns [N, H + top + bottom, W + left + right, C]
 */
export function padReflect2d(x: Tensor, padding: Padding): Tensor {
  return apply(padReflect2dOp, [x], { padding: toPadding(padding) });
}
