/** Fake quantization with fixed parameters: quantize and dequantize in one step, straight-through gradient. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { NDArray, type QParams } from '../core/index.js';
import { roundHalfEven } from '../../kernels/rounding.js';
import { checkFloats } from './checks.js';
import { checkQParamsFit, clampOffset, divide32, forEachRun, insideBounds32 } from './quantize.js';

export interface FakeQuantizeAttrs {
  readonly qparams: QParams;
}

// One run of elements each. These run on every activation of a training step: every float type has its own loop, so that
// each stays monomorphic.

function forward32(
  x: Float32Array,
  y: Float32Array,
  from: number,
  to: number,
  s: number,
  lo: number,
  hi: number,
): void {
  const perScale = 1 / s;
  for (let i = from; i < to; i++) y[i] = roundHalfEven(clampOffset(divide32(x[i], perScale), lo, hi)) * s;
}

function forward64(
  x: Float64Array,
  y: Float64Array,
  from: number,
  to: number,
  s: number,
  lo: number,
  hi: number,
): void {
  for (let i = from; i < to; i++) y[i] = roundHalfEven(clampOffset(x[i] / s, lo, hi)) * s;
}

function backward32(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  from: number,
  to: number,
  s: number,
  lo: number,
  hi: number,
): void {
  const perScale = 1 / s;
  const bounds = insideBounds32(lo, hi);
  for (let i = from; i < to; i++) {
    const v = divide32(x[i], perScale);
    dx[i] = v >= bounds.from && v <= bounds.to ? dy[i] : 0;
  }
}

function backward64(
  x: Float64Array,
  dy: Float64Array,
  dx: Float64Array,
  from: number,
  to: number,
  s: number,
  lo: number,
  hi: number,
): void {
  for (let i = from; i < to; i++) {
    const r = roundHalfEven(x[i] / s);
    dx[i] = r >= lo && r <= hi ? dy[i] : 0;
  }
}

export const fakeQuantizeOp: OpDef<FakeQuantizeAttrs> = {
  name: 'fakeQuantize',
  infer([x], { qparams }) {
    checkFloats('fakeQuantize', { x });
    checkQParamsFit('fakeQuantize', x, qparams);
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x], { qparams }) {
    ctx.save(x);
    const out = NDArray.like(x);
    forEachRun(x.shape, qparams, (from, to, s, z) => {
      const lo = qparams.quantMin - z;
      const hi = qparams.quantMax - z;
      if (x.data instanceof Float32Array) forward32(x.data, out.data as Float32Array, from, to, s, lo, hi);
      else forward64(x.data as Float64Array, out.data as Float64Array, from, to, s, lo, hi);
    });
    return out;
  },
  backward(ctx, grad, { qparams }) {
    const [x] = ctx.saved;
    const dx = NDArray.like(x);
    forEachRun(x.shape, qparams, (from, to, s, z) => {
      const lo = qparams.quantMin - z;
      const hi = qparams.quantMax - z;
      if (x.data instanceof Float32Array)
        backward32(x.data, grad.data as Float32Array, dx.data as Float32Array, from, to, s, lo, hi);
      else
        backward64(
          x.data as Float64Array,
          grad.data as Float64Array,
          dx.data as Float64Array,
          from,
          to,
          s,
          lo,
          hi,
        );
    });
    return [dx];
  },
};

/**
 * `y = (clamp(rne(x / scale) + zeroPoint, quantMin, quantMax) - zeroPoint) * scale`, the value that the code of `x`
 * stands for, of the shape of `x`.
 *
 * float32: `x / scale` and the result are rounded to float32, so that y equals `dequantizeArray(quantizeArray(x))` bit
 * for bit. float64: plain double arithmetic with the float32 scale. NaN becomes 0 (the code is the zero point) and
 * infinities saturate.
 *
 * Gradient (straight-through estimator, Bengio et al. 2013): `dx = dy` where the unclamped code lies in
 * `[quantMin, quantMax]`, else 0.
 *
 * @throws QuantizationError when the qparams are invalid or do not fit the shape; DTypeError for an integer tensor
 */
export function fakeQuantize(x: Tensor, qparams: QParams): Tensor {
  return apply(fakeQuantizeOp, [x], { qparams });
}
