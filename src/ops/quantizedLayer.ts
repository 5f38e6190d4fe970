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
  type Requantization,
} from '../../kernels/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { DTypeError, formatShape, NDArray, ShapeError, type ArraySpec, type QParams } from '../core/index.js';
import { compute } from './backend.js';
import { channelSum } from './channels.js';
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

function activated(v: number, activation: QuantizedLayerAttrs['activation']): number {
  if (activation === 'none') return v;
  const low = v > 0 ? v : 0;
  return activation === 'relu6' && low > 6 ? 6 : low;
}

function realValues(
  acc: Int32Array,
  shape: number[],
  scale: Float32Array,
  attrs: QuantizedLayerAttrs,
): NDArray {
  const channels = shape[shape.length - 1];
  const real = new Float32Array(acc.length);
  const step = scale.length === 1 ? 0 : 1;
  for (let i = 0; i < acc.length; i += channels)
    for (let c = 0; c < channels; c++)
      real[i + c] = activated(Math.fround(acc[i + c]) * scale[c * step], attrs.activation);
  return new NDArray(real, shape);
}

/**
 * Codes before any clamp, as floats: what is beyond 2^24 is out of every range anyway. Each arithmetic has its own loop,
 * so that the common one is free of calls.
 */
function unclampedCodes(acc: Int32Array, channels: number, r: Requantization): Float32Array {
  const codes = new Float32Array(acc.length);
  const z = r.zeroPoint;
  if (r.numerics === 'fixed') {
    const unclamped: Requantization = { ...r, ...UNCLAMPED };
    for (let i = 0; i < acc.length; i += channels)
      for (let c = 0; c < channels; c++) codes[i + c] = applyRequantization(acc[i + c], c, unclamped);
    return codes;
  }
  const m = r.multiplier.length === 1 ? new Float32Array(channels).fill(r.multiplier[0]) : r.multiplier;
  for (let i = 0; i < acc.length; i += channels)
    for (let c = 0; c < channels; c++)
      codes[i + c] = roundHalfEven(Math.fround(Math.fround(acc[i + c]) * m[c])) + z;
  return codes;
}

/**
 * Codes back to values, and the mask of the straight-through estimator: 1 where the clamp of the activation and the
 * clamp of the code range both let the gradient pass.
 */
function requantize(
  acc: Int32Array,
  shape: number[],
  scale: Float32Array,
  { qparams, requantization }: LayerOutput,
  activation: QuantizedLayerAttrs['activation'],
): { y: NDArray<'float32'>; mask: NDArray<'uint8'> } {
  const channels = shape[shape.length - 1];
  const y = NDArray.zeros(shape, 'float32');
  const mask = NDArray.zeros(shape, 'uint8');
  const codes = unclampedCodes(acc, channels, requantization);
  const { min, max } = requantization;
  const { quantMin, quantMax } = qparams;
  const sy = qparams.scale[0];
  const zy = qparams.zeroPoint[0];
  // The activation in accumulators: v > 0 and v < 6 are acc > 0 and acc < 6 / scale.
  const low = activation === 'none' ? -Infinity : 0;
  const six = activation === 'relu6' ? 6 : Infinity;
  const high = Float64Array.from(
    { length: channels },
    (_, c) => six / (scale.length === 1 ? scale[0] : scale[c]),
  );
  const [values, pass] = [y.data, mask.data];
  for (let i = 0; i < acc.length; i += channels)
    for (let c = 0; c < channels; c++) {
      const q = codes[i + c];
      const a = acc[i + c];
      values[i + c] = ((q < min ? min : q > max ? max : q) - zy) * sy;
      pass[i + c] = a > low && a < high[c] && q >= quantMin && q <= quantMax ? 1 : 0;
    }
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
    const shape = outputShape(x, weight, attrs);
    const acc = new Int32Array(shape.reduce((a, b) => a * b, 1));
    compute('qconv2d', {
      ...g,
      // exact for values on the grid: x / s is within 2^-22 of a whole number of at most 255
      x: quantizeArray(x, attrs.input).data as CodeArray,
      xZeroPoint: attrs.input.zeroPoint[0],
      w: codes.data as CodeArray,
      wZeroPoint: 0,
      bias: bias === undefined ? null : quantizeBias(bias.data, scale),
      requant: null,
      y: acc,
    });
    const output = attrs.output(() => realValues(acc, shape, scale, attrs));
    const { y, mask } = requantize(acc, shape, scale, output, attrs.activation);
    const inside = new NDArray(insideRange(weight, attrs.weight), weight.shape);
    ctx.save(x, dequantizeArray(codes, attrs.weight), inside, mask);
    return y;
  },
  backward(ctx, grad, attrs) {
    const [x, weight, inside, mask] = ctx.saved;
    const g = toConv(x, weight, attrs);
    const passed = NDArray.like(grad);
    for (let i = 0; i < passed.size; i++) passed.data[i] = mask.data[i] === 0 ? 0 : grad.data[i];
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
      for (let i = 0; i < dw.size; i++) if (inside.data[i] === 0) dw.data[i] = 0;
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
