/** Layer normalisation over the trailing axes (Ba, Kiros and Hinton 2016). */
import { formatShape, NDArray, sameShape, ShapeError, sizeOf, type Shape } from '../core/index.js';
import { apply, type OpContext, type OpDef, type Tensor } from '../autograd/index.js';
import { affineInputs, parameterGrads } from './affine.js';
import { checkFloats, floats } from './checks.js';

export interface LayerNormAttrs {
  readonly normalizedShape: Shape;
  readonly eps: number;
}

export interface LayerNormOptions {
  /** the trailing axes that share a mean and a variance; a number stands for the last axis alone */
  normalizedShape: number | Shape;
  /** of shape normalizedShape; null or left out: 1 */
  weight?: Tensor | null;
  /** of shape normalizedShape, only together with weight; null or left out: 0 */
  bias?: Tensor | null;
  /** default 1e-5 */
  eps?: number;
}

/** Inputs: x, then weight and bias where given. */
export const layerNormOp: OpDef<LayerNormAttrs> = {
  name: 'layerNorm',
  infer([x, weight, bias], { normalizedShape }) {
    checkFloats('layerNorm', { x, weight, bias });
    const lead = x.shape.length - normalizedShape.length;
    if (normalizedShape.length === 0 || lead < 0 || !sameShape(x.shape.slice(lead), normalizedShape))
      throw new ShapeError(
        `normalizedShape: ${formatShape(normalizedShape)} must be the last axes of x, which is ${formatShape(x.shape)}`,
      );
    for (const [name, p] of Object.entries({ weight, bias }))
      if (p !== undefined && !sameShape(p.shape, normalizedShape))
        throw new ShapeError(
          `${name}: layerNorm got shape ${formatShape(p.shape)}; it must be normalizedShape, ${formatShape(normalizedShape)}`,
        );
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias], { normalizedShape, eps }) {
    const length = sizeOf(normalizedShape);
    const rows = length === 0 ? 0 : x.size / length;
    const mean = new Float64Array(rows);
    const invStd = new Float64Array(rows);
    const y = NDArray.like(x);
    const from = floats(x);
    const to = floats(y);
    const w = weight === undefined ? null : floats(weight);
    const b = bias === undefined ? null : floats(bias);
    for (let r = 0; r < rows; r++) {
      const at = r * length;
      let sum = 0;
      for (let i = 0; i < length; i++) sum += from[at + i];
      const m = sum / length;
      let square = 0;
      for (let i = 0; i < length; i++) square += (from[at + i] - m) * (from[at + i] - m);
      const s = 1 / Math.sqrt(square / length + eps);
      mean[r] = m;
      invStd[r] = s;
      if (w === null) for (let i = 0; i < length; i++) to[at + i] = (from[at + i] - m) * s;
      else if (b === null) for (let i = 0; i < length; i++) to[at + i] = (from[at + i] - m) * s * w[i];
      else for (let i = 0; i < length; i++) to[at + i] = (from[at + i] - m) * s * w[i] + b[i];
    }
    const kept = [x, new NDArray(mean, [rows]), new NDArray(invStd, [rows])];
    ctx.save(...kept, ...(weight === undefined ? [] : [weight]));
    return y;
  },
  backward,
};

/** With h = (x - mean) * invStd, u = g * weight: dx = invStd * (u - mean(u) - h * mean(u h)) per row. */
function backward(ctx: OpContext, grad: NDArray, { normalizedShape }: LayerNormAttrs): (NDArray | null)[] {
  const [x, means, invStds] = ctx.saved;
  const weight = ctx.saved.length > 3 ? ctx.saved[3] : null;
  const w = weight === null ? null : floats(weight);
  const length = sizeOf(normalizedShape);
  const from = floats(x);
  const g = floats(grad);
  const dx = NDArray.like(x);
  const to = floats(dx);
  const dWeight = new Float64Array(length);
  const dBias = new Float64Array(length);
  for (let r = 0; r < means.size; r++) {
    const at = r * length;
    const m = means.data[r];
    const s = invStds.data[r];
    let sumU = 0;
    let sumUH = 0;
    for (let i = 0; i < length; i++) {
      const h = (from[at + i] - m) * s;
      const u = w === null ? g[at + i] : g[at + i] * w[i];
      sumU += u;
      sumUH += u * h;
      dWeight[i] += g[at + i] * h;
      dBias[i] += g[at + i];
    }
    const a = sumU / length;
    const b = sumUH / length;
    for (let i = 0; i < length; i++) {
      const u = w === null ? g[at + i] : g[at + i] * w[i];
      to[at + i] = s * (u - a - (from[at + i] - m) * s * b);
    }
  }
  if (weight === null) return [dx];
  return [dx, ...parameterGrads(weight, dWeight, dBias)];
}

/**
 * `y = (x - mean) / sqrt(var + eps) * weight + bias`; mean and (biased) variance over the last axes.
 *
 * @param x [..., ...normalizedShape], float32 or float64
 * @returns the shape of x
 * @throws ShapeError, DTypeError for operands that do not fit; ArgumentError for a bias without weight
 */
export function layerNorm(x: Tensor, options: LayerNormOptions): Tensor {
  const { normalizedShape, weight, bias, eps = 1e-5 } = options;
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  return apply(layerNormOp, affineInputs('layerNorm', x, weight, bias), { normalizedShape: shape, eps });
}
