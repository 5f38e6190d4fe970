/** Bilinear resizing of NHWC images. */
import { NDArray } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { floats } from './checks.js';
import { inferUpsample, upsampleSize, type UpsampleAttrs, type UpsampleOptions } from './upsampling.js';

export interface BilinearAttrs extends UpsampleAttrs {
  readonly alignCorners: boolean;
}

/** Output position i mixes (1 - weight[i]) of input low[i] with weight[i] of input high[i]. */
interface Mix {
  low: Int32Array;
  high: Int32Array;
  weight: Float64Array;
}

function mixes(size: number, count: number, alignCorners: boolean): Mix {
  const mix = {
    low: new Int32Array(count),
    high: new Int32Array(count),
    weight: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    let at: number;
    if (alignCorners) at = count === 1 ? 0 : (i * (size - 1)) / (count - 1);
    else at = Math.max(((i + 0.5) * size) / count - 0.5, 0);
    mix.low[i] = Math.min(Math.floor(at), size - 1);
    mix.high[i] = Math.min(mix.low[i] + 1, size - 1);
    mix.weight[i] = at - mix.low[i];
  }
  return mix;
}

export const upsampleBilinear2dOp: OpDef<BilinearAttrs> = {
  name: 'upsampleBilinear2d',
  infer([x], attrs) {
    return inferUpsample('upsampleBilinear2d', x, attrs);
  },
  forward(ctx, [x], { size, alignCorners }) {
    const [batch, height, width, channels] = x.shape;
    const y = NDArray.zeros([batch, size[0], size[1], channels], x.dtype);
    const rows = mixes(height, size[0], alignCorners);
    const columns = mixes(width, size[1], alignCorners);
    const from = floats(x);
    const to = floats(y);
    let out = 0;
    for (let n = 0; n < batch; n++)
      for (let i = 0; i < size[0]; i++) {
        const top = (n * height + rows.low[i]) * width;
        const bottom = (n * height + rows.high[i]) * width;
        const v = rows.weight[i];
        for (let j = 0; j < size[1]; j++) {
          const left = columns.low[j];
          const right = columns.high[j];
          const h = columns.weight[j];
          const a = (top + left) * channels;
          const b = (top + right) * channels;
          const c = (bottom + left) * channels;
          const d = (bottom + right) * channels;
          for (let k = 0; k < channels; k++)
            to[out++] =
              (1 - v) * ((1 - h) * from[a + k] + h * from[b + k]) +
              v * ((1 - h) * from[c + k] + h * from[d + k]);
        }
      }
    ctx.save(x);
    return y;
  },
  backward(ctx, grad, { size, alignCorners }) {
    const [x] = ctx.saved;
    const [batch, height, width, channels] = x.shape;
    const dx = NDArray.like(x);
    const rows = mixes(height, size[0], alignCorners);
    const columns = mixes(width, size[1], alignCorners);
    const g = floats(grad);
    const to = floats(dx);
    let from = 0;
    for (let n = 0; n < batch; n++)
      for (let i = 0; i < size[0]; i++) {
        const top = (n * height + rows.low[i]) * width;
        const bottom = (n * height + rows.high[i]) * width;
        const v = rows.weight[i];
        for (let j = 0; j < size[1]; j++) {
          const left = columns.low[j];
          const right = columns.high[j];
          const h = columns.weight[j];
          const a = (top + left) * channels;
          const b = (top + right) * channels;
          const c = (bottom + left) * channels;
          const d = (bottom + right) * channels;
          for (let k = 0; k < channels; k++) {
            const e = g[from++];
            to[a + k] += (1 - v) * (1 - h) * e;
            to[b + k] += (1 - v) * h * e;
            to[c + k] += v * (1 - h) * e;
            to[d + k] += v * h * e;
          }
        }
      }
    return [dx];
  },
};

/**
 * Bilinear interpolation. Output row i samples input row (i + 0.5) * H / OH - 0.5 (pixel centres), or
 * i * (H - 1) / (OH - 1) with `alignCorners`; columns likewise.
 *
 * @param x [N, H, W, C], float32 or float64
 * @param options `{ size }` or `{ scale }`, and `alignCorners` (default false)
 * @returns [N, OH, OW, C]
 */
export function upsampleBilinear2d(x: Tensor, options: UpsampleOptions & { alignCorners?: boolean }): Tensor {
  const size = upsampleSize('upsampleBilinear2d', x, options);
  return apply(upsampleBilinear2dOp, [x], { size, alignCorners: options.alignCorners ?? false });
}
