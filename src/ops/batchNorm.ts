/** Batch normalisation over the last axis (Ioffe and Szegedy 2015), training and evaluation mode. */
import { formatShape, NDArray, ShapeError, type FloatArray } from '../core/index.js';
import { apply, type OpContext, type OpDef, type Tensor } from '../autograd/index.js';
import { parameterGrads } from './affine.js';
import { combineGradients, normalizeRows, sumGradients, sumMoments } from './channels.js';
import { checkFloats, floats } from './checks.js';
import { checkVector } from './layoutChecks.js';

export interface BatchNormAttrs {
  /** [C], updated in place in training mode */
  readonly runningMean: NDArray;
  /** [C], updated in place in training mode with the unbiased variance of the batch */
  readonly runningVar: NDArray;
  readonly training: boolean;
  /** running = (1 - momentum) * running + momentum * batch */
  readonly momentum: number;
  readonly eps: number;
}

/** momentum 0.1, eps 1e-5 unless given */
export type BatchNormOptions = Omit<BatchNormAttrs, 'momentum' | 'eps'> &
  Partial<Pick<BatchNormAttrs, 'momentum' | 'eps'>>;

interface Statistics {
  mean: Float64Array;
  invStd: Float64Array;
}

function batchStatistics(x: NDArray, attrs: BatchNormAttrs): Statistics {
  const channels = x.shape[x.rank - 1];
  const rows = x.size / channels;
  const data = floats(x);
  const shift = Float64Array.from(data.subarray(0, channels));
  const [sum, square] = sumMoments(data, shift);

  const runningMean = floats(attrs.runningMean);
  const runningVar = floats(attrs.runningVar);
  const { momentum, eps } = attrs;
  const mean = new Float64Array(channels);
  const invStd = new Float64Array(channels);
  for (let c = 0; c < channels; c++) {
    const d = sum[c] / rows;
    const spread = Math.max(square[c] - d * sum[c], 0);
    mean[c] = shift[c] + d;
    invStd[c] = 1 / Math.sqrt(spread / rows + eps);
    runningMean[c] = (1 - momentum) * runningMean[c] + momentum * mean[c];
    runningVar[c] = (1 - momentum) * runningVar[c] + (momentum * spread) / (rows - 1);
  }
  return { mean, invStd };
}

function runningStatistics({ runningMean, runningVar, eps }: BatchNormAttrs): Statistics {
  return {
    mean: Float64Array.from(floats(runningMean)),
    invStd: Float64Array.from(floats(runningVar), (v) => 1 / Math.sqrt(v + eps)),
  };
}

export const batchNormOp: OpDef<BatchNormAttrs> = {
  name: 'batchNorm',
  infer([x, weight, bias], { runningMean, runningVar, training }) {
    checkFloats('batchNorm', { x, weight, bias });
    if (x.shape.length < 2)
      throw new ShapeError(
        `x: batchNorm got shape ${formatShape(x.shape)}; it must be [N, ..., C], at least 2 dimensions`,
      );
    const channels = x.shape[x.shape.length - 1];
    checkVector('batchNorm', 'weight', weight, channels, 'channel');
    checkVector('batchNorm', 'bias', bias, channels, 'channel');
    checkFloats('batchNorm', { runningMean, runningVar });
    checkVector('batchNorm', 'runningMean', runningMean, channels, 'channel');
    checkVector('batchNorm', 'runningVar', runningVar, channels, 'channel');
    const rows = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
    if (training && rows < 2)
      throw new ShapeError(
        `x: batchNorm got shape ${formatShape(x.shape)}; training needs at least 2 values per channel, use a larger batch`,
      );
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x, weight, bias], attrs) {
    const { mean, invStd } = attrs.training ? batchStatistics(x, attrs) : runningStatistics(attrs);
    const y = NDArray.emptyLike(x);
    const w = floats(weight);
    const scale = invStd.map((s, c) => s * w[c]);
    normalizeRows(floats(x), floats(y), mean, scale, Float64Array.from(floats(bias)));
    ctx.save(x, weight, new NDArray(mean, [mean.length]), new NDArray(invStd, [mean.length]));
    return y;
  },
  backward,
};

function rowsOf(x: NDArray): number {
  return x.size === 0 ? 0 : x.size / x.shape[x.rank - 1];
}

/**
 * With `h = (x - mean) * invStd` and M rows: dweight = sum g h, dbias = sum g, and
 * dx = weight * invStd * (g - dbias / M - h * dweight / M) in training, weight * invStd * g with running statistics.
 */
function backward(ctx: OpContext, grad: NDArray, attrs: BatchNormAttrs): (NDArray | null)[] {
  const [x, weight] = ctx.saved;
  const mean = ctx.saved[2].data as Float64Array;
  const invStd = ctx.saved[3].data as Float64Array;
  const channels = mean.length;
  const rows = rowsOf(x);
  const g = floats(grad);
  const w: FloatArray = floats(weight);
  const [sumG, sumGX] =
    attrs.training || ctx.needsGrad[1] || ctx.needsGrad[2]
      ? sumGradients(g, floats(x), mean)
      : [new Float64Array(channels), new Float64Array(channels)];

  let dx: NDArray | null = null;
  if (ctx.needsGrad[0]) {
    dx = NDArray.emptyLike(x);
    const a = invStd.map((s, c) => s * w[c]);
    const b = new Float64Array(channels);
    const k = new Float64Array(channels);
    if (attrs.training)
      for (let c = 0; c < channels; c++) {
        b[c] = (-a[c] * invStd[c] * invStd[c] * sumGX[c]) / rows;
        k[c] = (-a[c] * sumG[c]) / rows;
      }
    combineGradients(g, floats(x), floats(dx), mean, a, b, k);
  }
  for (let c = 0; c < channels; c++) sumGX[c] *= invStd[c];
  return [dx, ...parameterGrads(weight, sumGX, sumG)];
}

/**
 * `y = (x - mean) / sqrt(var + eps) * weight + bias` per channel. In training mean and (biased) variance are those of
 * the batch and the running arrays are updated in place; otherwise the running arrays are used.
 *
 * @param x [N, ..., C], float32 or float64
 * @param weight [C]
 * @param bias [C]
 * @param options the running arrays are handed on as they are: their identity tells a tracer which layer called
 * @returns the shape of x
 * @throws ShapeError for operands that do not fit, or fewer than 2 values per channel in training
 */
export function batchNorm(x: Tensor, weight: Tensor, bias: Tensor, options: BatchNormOptions): Tensor {
  return apply(batchNormOp, [x, weight, bias], { momentum: 0.1, eps: 1e-5, ...options });
}
