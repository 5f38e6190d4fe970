/** Group normalisation, channels last (Wu and He 2018); one group per channel is instance normalisation. */
import { checkWhole } from '../core/checks.js';
import { formatShape, NDArray, ShapeError, type FloatArray } from '../core/index.js';
import { apply, type OpContext, type OpDef, type Tensor } from '../autograd/index.js';
import { affineInputs, parameterGrads } from './affine.js';
import { combineGradients, normalizeRows, sumGradients, sumMoments } from './channels.js';
import { checkFloats, floats } from './checks.js';
import { checkVector } from './layoutChecks.js';

export interface GroupNormAttrs {
  readonly groups: number;
  readonly eps: number;
}

export interface GroupNormOptions {
  /** divides the number of channels */
  groups: number;
  /** [C]; null or left out: 1 */
  weight?: Tensor | null;
  /** [C], only together with weight; null or left out: 0 */
  bias?: Tensor | null;
  /** default 1e-5 */
  eps?: number;
}

/** Inputs: x, then weight and bias where given. */
export const groupNormOp: OpDef<GroupNormAttrs> = {
  name: 'groupNorm',
  infer([x, weight, bias], { groups }) {
    checkFloats('groupNorm', { x, weight, bias });
    if (x.shape.length < 2)
      throw new ShapeError(
        `x: groupNorm got shape ${formatShape(x.shape)}; it must be [N, ..., C], at least 2 dimensions`,
      );
    const channels = x.shape[x.shape.length - 1];
    if (channels % groups !== 0)
      throw new ShapeError(`groups: ${groups} does not divide the ${channels} channels of x`);
    if (weight !== undefined) checkVector('groupNorm', 'weight', weight, channels, 'channel');
    if (bias !== undefined) checkVector('groupNorm', 'bias', bias, channels, 'channel');
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias], { groups, eps }) {
    const { images, channels } = sizes(x);
    const data = floats(x);
    const y = NDArray.like(x);
    const means = new Float64Array(images * channels);
    const invStds = new Float64Array(images * channels);
    const scale = new Float64Array(channels);
    const offset = bias === undefined ? new Float64Array(channels) : Float64Array.from(floats(bias));
    for (let n = 0; n < images; n++) {
      const mean = means.subarray(n * channels, (n + 1) * channels);
      const invStd = invStds.subarray(n * channels, (n + 1) * channels);
      groupStatistics(x, n, groups, eps, mean, invStd);
      for (let c = 0; c < channels; c++)
        scale[c] = weight === undefined ? invStd[c] : invStd[c] * weight.data[c];
      normalizeRows(part(x, n, data), part(x, n, floats(y)), mean, scale, offset);
    }
    const kept = [x, new NDArray(means, [images, channels]), new NDArray(invStds, [images, channels])];
    ctx.save(...kept, ...(weight === undefined ? [] : [weight]));
    return y;
  },
  backward,
};

function sizes(x: NDArray): { images: number; rows: number; channels: number } {
  const images = x.shape[0];
  const channels = x.shape[x.rank - 1];
  return { images, rows: x.size === 0 ? 0 : x.size / (images * channels), channels };
}

/** What belongs to image n of x in an array of its size. */
function part(x: NDArray, n: number, a: FloatArray): FloatArray {
  const size = x.size / x.shape[0];
  return a.subarray(n * size, (n + 1) * size);
}

/** Fills mean and invStd of image n; all channels of a group get the same values. */
function groupStatistics(
  x: NDArray,
  n: number,
  groups: number,
  eps: number,
  mean: Float64Array,
  invStd: Float64Array,
): void {
  const { rows, channels } = sizes(x);
  const from = n * rows * channels;
  const perGroup = channels / groups;
  const count = rows * perGroup;
  const data = floats(x);
  const shift = new Float64Array(channels);
  for (let c = 0; c < channels; c++) shift[c] = data[from + c - (c % perGroup)];
  const [sum, square] = sumMoments(part(x, n, data), shift);
  for (let first = 0; first < channels; first += perGroup) {
    const last = first + perGroup;
    let s = 0;
    let q = 0;
    for (let c = first; c < last; c++) {
      s += sum[c];
      q += square[c];
    }
    const d = s / count;
    mean.fill(shift[first] + d, first, last);
    invStd.fill(1 / Math.sqrt(Math.max(q - d * s, 0) / count + eps), first, last);
  }
}

/** As batch norm in training, with sums over each group of each image. */
function backward(ctx: OpContext, grad: NDArray, { groups }: GroupNormAttrs): (NDArray | null)[] {
  const [x, means, invStds] = ctx.saved;
  const weight = ctx.saved.length > 3 ? ctx.saved[3] : null;
  const { images, rows, channels } = sizes(x);
  const perGroup = channels / groups;
  const count = rows * perGroup;
  const g = floats(grad);
  const data = floats(x);
  const dx = NDArray.like(x);
  const a = new Float64Array(channels);
  const b = new Float64Array(channels);
  const k = new Float64Array(channels);
  const dWeight = new Float64Array(channels);
  const dBias = new Float64Array(channels);
  for (let n = 0; n < images; n++) {
    const mean = (means.data as Float64Array).subarray(n * channels, (n + 1) * channels);
    const invStd = (invStds.data as Float64Array).subarray(n * channels, (n + 1) * channels);
    const [sumG, sumGX] = sumGradients(part(x, n, g), part(x, n, data), mean);
    for (let first = 0; first < channels; first += perGroup) {
      const last = first + perGroup;
      const s = invStd[first];
      let sumU = 0;
      let sumUX = 0;
      for (let c = first; c < last; c++) {
        const w = weight === null ? 1 : weight.data[c];
        a[c] = w * s;
        sumU += w * sumG[c];
        sumUX += w * sumGX[c];
        dWeight[c] += sumGX[c] * s;
        dBias[c] += sumG[c];
      }
      b.fill((-s * s * s * sumUX) / count, first, last);
      k.fill((-s * sumU) / count, first, last);
    }
    combineGradients(part(x, n, g), part(x, n, data), part(x, n, floats(dx)), mean, a, b, k);
  }
  if (weight === null) return [dx];
  return [dx, ...parameterGrads(weight, dWeight, dBias)];
}

/**
 * `y = (x - mean) / sqrt(var + eps) * weight + bias`; mean and (biased) variance over each image and group of
 * neighbouring channels.
 *
 * @param x [N, ..., C], float32 or float64
 * @returns the shape of x
 * @throws ShapeError, DTypeError for operands that do not fit; ArgumentError for a bias without weight
 */
export function groupNorm(x: Tensor, options: GroupNormOptions): Tensor {
  const { groups, weight, bias, eps = 1e-5 } = options;
  checkWhole('groups', groups);
  return apply(groupNormOp, affineInputs('groupNorm', x, weight, bias), { groups, eps });
}
