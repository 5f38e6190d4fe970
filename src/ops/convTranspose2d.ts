/**
 * Transposed 2-D convolution: the gradient of conv2d with respect to its input, used as a forward pass. So its forward
 * is the kernel conv2dInputGrad, and the gradient of its input is conv2d.
 */
import { ArgumentError, formatShape, NDArray, ShapeError, type ArraySpec } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import type { ConvGeometry } from '../../kernels/index.js';
import { compute } from './backend.js';
import { addChannelBias, channelSum } from './channels.js';
import { checkFloats, floats } from './checks.js';
import { checkLayout, checkVector } from './layoutChecks.js';
import { convAttrs, toPair, type Conv2dOptions, type ConvAttrs, type Pair } from './window.js';

export interface ConvTransposeAttrs extends ConvAttrs {
  readonly outputPadding: Pair;
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** rows and columns added at the bottom and right of the output, default 0; less than stride or dilation */
  outputPadding?: number | Pair;
}

/** The geometry of the convolution whose gradient this is: it maps the (larger) output back to x. */
function geometry(x: ArraySpec, weight: ArraySpec, attrs: ConvTransposeAttrs): ConvGeometry {
  const { stride, padding, dilation, groups, outputPadding } = attrs;
  const [batch, height, width, channels] = x.shape;
  const [, kernelHeight, kernelWidth, perGroup] = weight.shape;
  return {
    batch,
    inHeight:
      (height - 1) * stride[0] -
      padding[0] -
      padding[1] +
      dilation[0] * (kernelHeight - 1) +
      outputPadding[0] +
      1,
    inWidth:
      (width - 1) * stride[1] -
      padding[2] -
      padding[3] +
      dilation[1] * (kernelWidth - 1) +
      outputPadding[1] +
      1,
    outHeight: height,
    outWidth: width,
    kernelHeight,
    kernelWidth,
    strideHeight: stride[0],
    strideWidth: stride[1],
    dilationHeight: dilation[0],
    dilationWidth: dilation[1],
    padTop: padding[0],
    padLeft: padding[2],
    inChannels: perGroup * groups,
    outChannels: channels,
    groups,
  };
}

export const convTranspose2dOp: OpDef<ConvTransposeAttrs> = {
  name: 'convTranspose2d',
  infer([x, weight, bias], attrs): ArraySpec {
    checkFloats('convTranspose2d', { x, weight, bias });
    checkLayout('convTranspose2d', 'x', x, 'N H W C');
    checkLayout('convTranspose2d', 'weight', weight, 'I kh kw O/groups');
    const { stride, dilation, groups, outputPadding } = attrs;
    const channels = x.shape[3];
    if (weight.shape[0] !== channels)
      throw new ShapeError(
        `weight: convTranspose2d got shape ${formatShape(weight.shape)} and takes ${weight.shape[0]} input channels, x has ${channels}`,
      );
    if (weight.shape[1] === 0 || weight.shape[2] === 0)
      throw new ShapeError(`weight: convTranspose2d got an empty kernel, ${formatShape(weight.shape)}`);
    if (channels % groups !== 0)
      throw new ShapeError(`groups: ${groups} does not divide the ${channels} input channels`);
    outputPadding.forEach((p, i) => {
      if (p >= stride[i] && p >= dilation[i])
        throw new ArgumentError(
          `outputPadding: ${p} must be less than the stride (${stride[i]}) or the dilation (${dilation[i]})`,
        );
    });
    const g = geometry(x, weight, attrs);
    if (g.inHeight < 1 || g.inWidth < 1)
      throw new ShapeError(
        `padding: [${attrs.padding.join(', ')}] leaves an output of ${g.inHeight} x ${g.inWidth}; use less padding`,
      );
    if (bias !== undefined) checkVector('convTranspose2d', 'bias', bias, g.inChannels, 'output channel');
    return { shape: [g.batch, g.inHeight, g.inWidth, g.inChannels], dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias], attrs) {
    const g = geometry(x, weight, attrs);
    const y = NDArray.empty([g.batch, g.inHeight, g.inWidth, g.inChannels], x.dtype);
    const dx = floats(y);
    compute('conv2dInputGrad', { ...g, dy: floats(x), w: floats(weight), dx });
    if (bias !== undefined) addChannelBias(dx, floats(bias));
    ctx.save(x, weight);
    return y;
  },
  backward(ctx, grad, attrs) {
    const [x, weight] = ctx.saved;
    const g = geometry(x, weight, attrs);
    const gradData = floats(grad);
    let dx: NDArray | null = null;
    let dw: NDArray | null = null;
    if (ctx.needsGrad[0]) {
      dx = NDArray.emptyLike(x);
      const w = floats(weight);
      compute('conv2d', { ...g, x: gradData, w, bias: null, y: floats(dx) });
    }
    if (ctx.needsGrad[1]) {
      dw = NDArray.emptyLike(weight);
      compute('conv2dFilterGrad', {
        ...g,
        x: gradData,
        dy: floats(x),
        dw: floats(dw),
      });
    }
    return [dx, dw, ctx.needsGrad[2] ? channelSum(grad) : null];
  },
};

/**
 * Transposed convolution ("deconvolution").
 *
 * @param x [N, H, W, I], float32 or float64
 * @param weight [I, kh, kw, O / groups]
 * @param bias [O] or null
 * @returns [N, OH, OW, O], OH = (H - 1) * stride - top - bottom + dilation * (kh - 1) + outputPadding + 1
 * @throws ShapeError, DTypeError for operands that do not fit; ArgumentError for a bad option
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: ConvTranspose2dOptions = {},
): Tensor {
  const { outputPadding = 0 } = options;
  const attrs = { ...convAttrs(options), outputPadding: toPair('outputPadding', outputPadding, 0) };
  return apply(convTranspose2dOp, bias === null ? [x, weight] : [x, weight, bias], attrs);
}
