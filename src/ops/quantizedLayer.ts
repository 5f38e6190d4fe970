/**
 * A conv or linear layer whose forward pass is integer arithmetic and whose backward pass is the straight-through
 * estimator. This is where "what you train is what you run" is made: codes in, exact int32 accumulators, the
 * requantization of the runtime, codes out; the float result is derived from the codes.
 */
import {
  applyRequantization,
  roundHalfEven,
  type CodeArray,
  type ConvGeometry,
  type FloatArray,
  type Requantization,
} from '../../kernels/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import {
  codeBits,
  DTypeError,
  formatShape,
  NDArray,
  ShapeError,
  type ArraySpec,
  type QParams,
} from '../core/index.js';
import { compute } from './backend.js';
import { channelSum } from './channels.js';
import { map } from './map.js';
import { dequantizeArray, insideRange, quantizeArray } from './quantize.js';
import { convGeometry, type ConvAttrs } from './window.js';

/** How a layer's accumulators become codes. */
export interface LayerOutput {
  readonly qparams: QParams;
  /** multipliers and zero point; its min and max are those of the fused clamp */
  readonly requantization: Requantization;
}

export interface QuantizedLayerAttrs {
  /** geometry of a conv; null for a linear layer */
  readonly conv: ConvAttrs | null;
  readonly input: QParams;
  /** symmetric; per tensor, or per output channel (axis 0) */
  readonly weight: QParams;
  readonly activation: 'none' | 'relu' | 'relu6';
  /**
   * Gives the output's qparams. `real` computes the values before quantization, f32(acc) * f32(sx * sw) after the
   * activation; an observer calls it, a frozen quantizer does not.
   */
  output(real: () => NDArray): LayerOutput;
  /**
   * Where it is given, the value of the op is the real one, after the activation, and this takes what the codes stand for:
   * a quantizer that is trained goes on the tape between the two.
   */
  readonly exact?: (y: NDArray) => void;
}

const UNCLAMPED = { min: -(2 ** 31), max: 2 ** 31 - 1 };

function toConv(x: ArraySpec, weight: ArraySpec, { conv }: QuantizedLayerAttrs): ConvGeometry {
  if (conv !== null) return convGeometry('quantizedLayer', x, weight, conv);
  const [outputs, inputs] = weight.shape;
  const rows = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return convGeometry(
    'quantizedLayer',
    { shape: [rows, 1, 1, inputs], dtype: x.dtype },
    { shape: [outputs, 1, 1, inputs], dtype: x.dtype },
    { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
  );
}

function outputShape(x: ArraySpec, weight: ArraySpec, attrs: QuantizedLayerAttrs): number[] {
  const g = toConv(x, weight, attrs);
  return attrs.conv === null
    ? [...x.shape.slice(0, -1), g.outChannels]
    : [g.batch, g.outHeight, g.outWidth, g.outChannels];
}

/** f32(sx * sw[c]): the scale of the accumulators, and of the bias. */
export function accumulatorScale(input: QParams, weight: QParams): Float32Array {
  return weight.scale.map((s) => Math.fround(input.scale[0] * s));
}

/** qb[c] = clamp(rne(b[c] / f32(sx * sw[c])), int32) */
export function quantizeBias(bias: ArrayLike<number>, scale: Float32Array): Int32Array {
  return Int32Array.from({ length: bias.length }, (_, c) => {
    const q = roundHalfEven(bias[c] / (scale.length === 1 ? scale[0] : scale[c]));
    return Math.min(Math.max(q, UNCLAMPED.min), UNCLAMPED.max);
  });
}

const ACTIVATION_RANGE = { none: [-Infinity, Infinity], relu: [0, Infinity], relu6: [0, 6] } as const;

/** f32(acc) * scale after the activation */
function realValues(acc: NDArray, scale: Float32Array, { activation }: QuantizedLayerAttrs): NDArray {
  const real = NDArray.empty(acc.shape, 'float32');
  map('accumulated', [acc.data, scale], [real.data], ACTIVATION_RANGE[activation]);
  return real;
}

/** Real values, and the mask of the activation alone. */
function unquantized(acc: NDArray, scale: Float32Array, attrs: QuantizedLayerAttrs) {
  const y = realValues(acc, scale, attrs);
  const [low, high] = ACTIVATION_RANGE[attrs.activation];
  const mask = NDArray.empty(y.shape, 'uint8');
  const [from, to] = [y.data, mask.data];
  for (let i = 0; i < from.length; i++) to[i] = from[i] > low && from[i] < high ? 1 : 0;
  return { y, mask };
}

/** Codes before any clamp, as floats: what is beyond 2^24 is out of every range anyway. */
function unclampedCodes(acc: NDArray, r: Requantization): FloatArray {
  const codes = NDArray.empty(acc.shape, 'float32').data;
  if (r.numerics === 'float') map('rescaled', [acc.data, r.multiplier], [codes], [r.zeroPoint]);
  else {
    const unclamped: Requantization = { ...r, ...UNCLAMPED };
    const channels = acc.shape[acc.rank - 1];
    for (let i = 0; i < codes.length; i += channels)
      for (let c = 0; c < channels; c++) codes[i + c] = applyRequantization(acc.data[i + c], c, unclamped);
  }
  return codes;
}

/**
 * Codes back to values, and the mask of the straight-through estimator: 1 where the clamp of the activation and the
 * clamp of the code range both let the gradient pass.
 */
function requantize(
  acc: NDArray,
  scale: Float32Array,
  { qparams, requantization }: LayerOutput,
  activation: QuantizedLayerAttrs['activation'],
): { y: NDArray<'float32'>; mask: NDArray<'uint8'> } {
  const y = NDArray.empty(acc.shape, 'float32');
  const mask = NDArray.empty(acc.shape, 'uint8');
  // In accumulators, where v > 0 and v < 6 are acc >= 1 and acc < 6 / scale.
  const first = Int32Array.of(activation === 'none' ? UNCLAMPED.min : 1);
  const last = Int32Array.from(scale, (s) =>
    Math.min(Math.ceil(ACTIVATION_RANGE[activation][1] / s) - 1, UNCLAMPED.max),
  );
  const { min, max } = requantization;
  const { quantMin, quantMax } = qparams;
  const codes = unclampedCodes(acc, requantization);
  map(
    'requantized',
    [codes, acc.data, first, last],
    [y.data, mask.data],
    [qparams.zeroPoint[0], qparams.scale[0], min, max, quantMin, quantMax],
  );
  return { y, mask };
}

export const quantizedLayerOp: OpDef<QuantizedLayerAttrs> = {
  name: 'quantizedLayer',
  infer([x, weight, bias], attrs): ArraySpec {
    for (const t of [x, weight, bias])
      if (t !== undefined && t.dtype !== 'float32')
        throw new DTypeError(`quantizedLayer: an operand is ${t.dtype}; convert it with astype('float32')`);
    const rank = attrs.conv === null ? 2 : 4;
    if (weight.shape.length !== rank || x.shape.length < 2 || (rank === 4 && x.shape.length !== 4))
      throw new ShapeError(
        `quantizedLayer: x ${formatShape(x.shape)} and weight ${formatShape(weight.shape)} do not fit a ${rank === 2 ? 'linear' : 'conv'} layer`,
      );
    const channels = weight.shape[rank - 1] * (attrs.conv?.groups ?? 1);
    if (x.shape[x.shape.length - 1] !== channels)
      throw new ShapeError(
        `quantizedLayer: weight ${formatShape(weight.shape)} takes ${channels} input channels, x is ${formatShape(x.shape)}`,
      );
    return { shape: outputShape(x, weight, attrs), dtype: 'float32' };
  },
  forward(ctx, [x, weight, bias], attrs) {
    const g = toConv(x, weight, attrs);
    const codes = quantizeArray(weight, attrs.weight);
    const scale = accumulatorScale(attrs.input, attrs.weight);
    const acc = NDArray.empty(outputShape(x, weight, attrs), 'int32');
    compute('qconv2d', {
      ...g,
      // exact for values on the grid: x / s is within 2^-22 of a whole number of at most 255
      x: quantizeArray(x, attrs.input).data as CodeArray,
      xBits: codeBits(attrs.input),
      xZeroPoint: attrs.input.zeroPoint[0],
      w: codes.data as CodeArray,
      wZeroPoint: 0,
      bias: bias === undefined ? null : quantizeBias(bias.data, scale),
      requant: null,
      y: acc.data,
    });
    const output = attrs.output(() => realValues(acc, scale, attrs));
    const quantized = requantize(acc, scale, output, attrs.activation);
    attrs.exact?.(quantized.y);
    const { y, mask } = attrs.exact === undefined ? quantized : unquantized(acc, scale, attrs);
    const inside = new NDArray(insideRange(weight, attrs.weight), weight.shape);
    ctx.save(x, dequantizeArray(codes, attrs.weight), inside, mask);
    return y;
  },
  backward(ctx, grad, attrs) {
    const [x, weight, inside, mask] = ctx.saved;
    const g = toConv(x, weight, attrs);
    const passed = NDArray.emptyLike(grad);
    map('masked', [grad.data, mask.data], [passed.data]);
    const dy = passed.data as Float32Array;
    let dx: NDArray | null = null;
    let dw: NDArray | null = null;
    if (ctx.needsGrad[0]) {
      dx = NDArray.like(x);
      compute('conv2dInputGrad', {
        ...g,
        dy,
        w: weight.data as Float32Array,
        dx: dx.data as Float32Array,
      });
    }
    if (ctx.needsGrad[1]) {
      dw = NDArray.like(weight);
      compute('conv2dFilterGrad', {
        ...g,
        x: x.data as Float32Array,
        dy,
        dw: dw.data as Float32Array,
      });
      map('masked', [dw.data, inside.data], [dw.data]);
    }
    return [dx, dw, ctx.needsGrad[2] ? channelSum(passed) : null];
  },
};

/**
 * `y = (requantize(qb + sum (qx - zx) * qw) - zy) * sy`, with qx, qw and qb the codes of x, weight and bias.
 *
 * @param x values on the grid of `attrs.input`: [N, H, W, I] for a conv, [..., I] for a linear layer
 * @param weight float weights, quantized here: [O, kh, kw, I / groups] or [O, I]
 * @param bias [O] or null; its scale is f32(sx * sw)
 */
export function quantizedLayer(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  attrs: QuantizedLayerAttrs,
): Tensor {
  return apply(quantizedLayerOp, bias === null ? [x, weight] : [x, weight, bias], attrs);
}
