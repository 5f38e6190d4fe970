/** 2-D convolution (cross-correlation) of NHWC images with OHWI filters, run by the conv kernels of the backend. */
import { formatShape, NDArray, ShapeError, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { compute } from './backend.js';
import { channelSum } from './channels.js';
import { checkFloats, floats } from './checks.js';
import { checkLayout, checkVector } from './layoutChecks.js';
import { convAttrs, convGeometry, type Conv2dOptions, type ConvAttrs } from './window.js';

export type { Conv2dOptions };

export const conv2dOp: OpDef<ConvAttrs> = {
  name: 'conv2d',
  infer([x, weight, bias], attrs): ArraySpec {
    checkFloats('conv2d', { x, weight, bias });
    checkLayout('conv2d', 'x', x, 'N H W C');
    checkLayout('conv2d', 'weight', weight, 'O kh kw I/groups');
    const { groups } = attrs;
    const [outChannels, kernelHeight, kernelWidth, perGroup] = weight.shape;
    const channels = x.shape[3];
    if (kernelHeight === 0 || kernelWidth === 0)
      throw new ShapeError(`weight: conv2d got an empty kernel, ${formatShape(weight.shape)}`);
    if (channels !== perGroup * groups)
      throw new ShapeError(
        `weight: conv2d got shape ${formatShape(weight.shape)}; with ${groups} group(s) it takes ${perGroup * groups} input channels, x has ${channels}`,
      );
    if (outChannels % groups !== 0)
      throw new ShapeError(`groups: ${groups} does not divide the ${outChannels} output channels of weight`);
    if (bias !== undefined) checkVector('conv2d', 'bias', bias, outChannels, 'output channel');
    const g = convGeometry('conv2d', x, weight, attrs);
    return { shape: [g.batch, g.outHeight, g.outWidth, outChannels], dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias], attrs) {
    const g = convGeometry('conv2d', x, weight, attrs);
    const y = NDArray.empty([g.batch, g.outHeight, g.outWidth, g.outChannels], x.dtype);
    compute('conv2d', {
      ...g,
      x: floats(x),
      w: floats(weight),
      bias: bias === undefined ? null : floats(bias),
      y: floats(y),
    });
    ctx.save(x, weight);
    return y;
  },
  backward(ctx, grad, attrs) {
    const [x, weight] = ctx.saved;
    const g = convGeometry('conv2d', x, weight, attrs);
    const dy = floats(grad);
    let dx: NDArray | null = null;
    let dw: NDArray | null = null;
    if (ctx.needsGrad[0]) {
      dx = NDArray.emptyLike(x);
      compute('conv2dInputGrad', {
        ...g,
        dy,
        w: floats(weight),
        dx: floats(dx),
      });
    }
    if (ctx.needsGrad[1]) {
      dw = NDArray.emptyLike(weight);
      compute('conv2dFilterGrad', { ...g, x: floats(x), dy, dw: floats(dw) });
    }
    return [dx, dw, ctx.needsGrad[2] ? channelSum(grad) : null];
  },
};

/**
 * `y[n, i, j, o] = bias[o] + sum x[n, i * stride + r * dilation - top, j * stride + s * dilation - left, c] * weight[o, r, s, c]`
 *
 * @param x [N, H, W, I], float32 or float64
 * @param weight [O, kh, kw, I / groups]
 * @param bias [O] or null
 * @returns [N, OH, OW, O], OH = floor((H + top + bottom - dilation * (kh - 1) - 1) / stride) + 1
 * @throws ShapeError, DTypeError for operands that do not fit; ArgumentError for a bad option
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null, options: Conv2dOptions = {}): Tensor {
  const attrs = convAttrs(options);
  return apply(conv2dOp, bias === null ? [x, weight] : [x, weight, bias], attrs);
}
