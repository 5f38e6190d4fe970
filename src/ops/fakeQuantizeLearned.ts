/** Fake quantization whose scale and zero point are trained (LSQ, Esser et al. 2020; LSQ+, Bhalgat et al. 2020). */
import { apply, full, Tensor, type OpDef } from '../autograd/index.js';
import {
  ArgumentError,
  formatShape,
  NDArray,
  normalizeAxis,
  QuantizationError,
  ShapeError,
  type ArraySpec,
  type FloatDType,
  type QRange,
} from '../core/index.js';
import { roundHalfEven } from '../../kernels/rounding.js';
import { checkFloats, floats } from './checks.js';
import { channelLayout, clampOffset } from './quantize.js';

export interface FakeQuantizeLearnedAttrs {
  readonly quantMin: number;
  readonly quantMax: number;
  /** The axis that scale and zero point run along; null for per tensor. */
  readonly axis: number | null;
  /** Multiplies the gradients of scale and zero point. */
  readonly gradFactor: number;
}

/** A learned scale below this counts as this: float32 epsilon, the library's safe scale. */
const MIN_LEARNED_SCALE = 2 ** -23;

function checkParameter(name: string, p: ArraySpec, count: number): void {
  const size = p.shape.reduce((a, b) => a * b, 1);
  if (size !== count || p.shape.length > 1)
    throw new ShapeError(
      `fakeQuantizeLearned: ${name} has shape ${formatShape(p.shape)}; it must be [${count}]${count === 1 ? ' or a scalar' : ''}`,
    );
}

/**
 * The parameters that the arithmetic uses: scales at least 2^-23, zero points whole and within the range.
 *
 * @throws QuantizationError for parameters that are not numbers
 */
export function effectiveQuantization(
  scale: NDArray,
  zeroPoint: NDArray,
  { quantMin, quantMax }: QRange,
): { readonly s: Float64Array; readonly z: Float64Array } {
  const s = Float64Array.from(floats(scale), (v, c) => {
    if (!Number.isFinite(v))
      throw new QuantizationError(
        `fakeQuantizeLearned: scale[${c}] is ${v}; training diverged, lower the learning rate`,
      );
    return Math.max(v, MIN_LEARNED_SCALE);
  });
  const z = Float64Array.from(floats(zeroPoint), (v, c) => {
    if (Number.isNaN(v))
      throw new QuantizationError(
        `fakeQuantizeLearned: zeroPoint[${c}] is NaN; training diverged, lower the learning rate`,
      );
    return roundHalfEven(clampOffset(v, quantMin, quantMax));
  });
  return { s, z };
}

export const fakeQuantizeLearnedOp: OpDef<FakeQuantizeLearnedAttrs> = {
  name: 'fakeQuantizeLearned',
  infer([x, scale, zeroPoint], { quantMin, quantMax, axis }) {
    checkFloats('fakeQuantizeLearned', { x, scale, zeroPoint });
    if (!Number.isInteger(quantMin) || !Number.isInteger(quantMax) || quantMin > 0 || quantMax <= 0)
      throw new ArgumentError(
        `fakeQuantizeLearned: quantMin ${quantMin}, quantMax ${quantMax}: give integers with quantMin <= 0 < quantMax`,
      );
    const count = axis === null ? 1 : x.shape[axis];
    checkParameter('scale', scale, count);
    checkParameter('zeroPoint', zeroPoint, count);
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x, scale, zeroPoint], { quantMin, quantMax, axis }) {
    ctx.save(x, scale, zeroPoint);
    const { s, z } = effectiveQuantization(scale, zeroPoint, { quantMin, quantMax });
    const out = NDArray.like(x);
    const a = floats(x);
    const y = floats(out);
    const single = x.dtype === 'float32';
    const { outer, channels, inner } = channelLayout(x.shape, axis);
    let i = 0;
    for (let o = 0; o < outer; o++)
      for (let c = 0; c < channels; c++) {
        const sc = s[c];
        const lo = quantMin - z[c];
        const hi = quantMax - z[c];
        for (const end = i + inner; i < end; i++) {
          const v = a[i] / sc;
          y[i] = roundHalfEven(clampOffset(single ? Math.fround(v) : v, lo, hi)) * sc;
        }
      }
    return out;
  },
  backward(ctx, grad, { quantMin, quantMax, axis, gradFactor }) {
    const [x, scale, zeroPoint] = ctx.saved;
    const { s, z } = effectiveQuantization(scale, zeroPoint, { quantMin, quantMax });
    const dx = NDArray.like(x);
    const a = floats(x);
    const dy = floats(grad);
    const da = floats(dx);
    const single = x.dtype === 'float32';
    const ds = new Float64Array(s.length);
    const dz = new Float64Array(s.length);
    const { outer, channels, inner } = channelLayout(x.shape, axis);
    let i = 0;
    for (let o = 0; o < outer; o++)
      for (let c = 0; c < channels; c++) {
        const sc = s[c];
        const lo = quantMin - z[c];
        const hi = quantMax - z[c];
        let sumScale = 0;
        let sumClipped = 0;
        for (const end = i + inner; i < end; i++) {
          const v = a[i] / sc;
          const r = roundHalfEven(single ? Math.fround(v) : v);
          if (r >= lo && r <= hi) {
            da[i] = dy[i];
            sumScale += dy[i] * (r - v);
          } else if (r < lo) {
            sumScale += dy[i] * lo;
            sumClipped += dy[i];
          } else if (r > hi) {
            sumScale += dy[i] * hi;
            sumClipped += dy[i];
          }
        }
        ds[c] += sumScale;
        dz[c] -= sumClipped * sc;
      }
    const parameterGrad = (like: NDArray, sums: Float64Array): NDArray => {
      const out = NDArray.like(like);
      for (let c = 0; c < sums.length; c++) out.data[c] = sums[c] * gradFactor;
      return out;
    };
    return [dx, parameterGrad(scale, ds), parameterGrad(zeroPoint, dz)];
  },
};

export interface FakeQuantizeLearnedOptions {
  quantMin: number;
  quantMax: number;
  /** The axis that scale and zero point run along. Default null: per tensor. */
  axis?: number | null;
  /** Factor of the gradients of scale and zero point. Default 'lsq': `1 / sqrt(N * quantMax)`, N elements per scale. */
  gradFactor?: number | 'lsq';
}

/**
 * {@link fakeQuantize} with `scale` and `zeroPoint` as tensors that may require gradients, of shape [channels], or [1] or
 * [] per tensor, in the float type of x. The zero point is used rounded (half to even) and clamped into the range; a
 * scale below 2^-23 counts as 2^-23.
 *
 * With q the code of x and dy the arriving gradient, summed over the elements of a scale and times gradFactor:
 * - `dscale`: `dy * ((q - z) - x / s)` inside the range, `dy * (quantMin - z)` below, `dy * (quantMax - z)` above
 * - `dzeroPoint`: 0 inside, `-dy * s` where clipped
 * - `dx`: dy inside, 0 where clipped
 *
 * @param zeroPoint a tensor, or a number for a constant one (0 for symmetric weights)
 * @throws ShapeError, DTypeError or ArgumentError when arguments do not fit; QuantizationError for NaN parameters
 */
export function fakeQuantizeLearned(
  x: Tensor,
  scale: Tensor,
  zeroPoint: Tensor | number,
  options: FakeQuantizeLearnedOptions,
): Tensor {
  const { quantMin, quantMax, gradFactor = 'lsq' } = options;
  const given = options.axis ?? null;
  const axis = given === null ? null : normalizeAxis(given, x.rank);
  const z =
    zeroPoint instanceof Tensor
      ? zeroPoint
      : full(scale.shape, zeroPoint, { dtype: scale.dtype as FloatDType });
  const perScale = axis === null ? x.size : x.size / Math.max(x.shape[axis], 1);
  const factor = gradFactor === 'lsq' ? 1 / Math.sqrt(Math.max(perScale, 1) * quantMax) : gradFactor;
  return apply(fakeQuantizeLearnedOp, [x, scale, z], { quantMin, quantMax, axis, gradFactor: factor });
}
