/** Integer products and convolutions: every size from 1, long depths, every geometry, codes at their extremes. */
import type { CodeArray, ConvGeometry } from '../../../../kernels/index.js';
import type { Random } from '../../../../src/core/index.js';
import { codes, convGeometry, type Fill, int32s, requantization, sizes } from '../../js/samples.js';
import type { Case, Cases } from './types.js';

const FILLS: readonly Fill[] = ['random', 'random', 'random', 'lowest', 'highest', 'alternating'];
const PRIMES = [41, 67, 97, 131, 257, 521];

export const pick = <T>(r: Random, of: readonly T[]): T => of[r.int(of.length)];
/** 1 to 40, or now and then a large prime */
export const dimension = (r: Random): number => (r.int(8) === 0 ? pick(r, PRIMES) : 1 + r.int(40));

/** Operands and output of a layer with `k` products per output. */
function operands(r: Random, x: number, w: number, y: number, channels: number, k: number) {
  const [xSigned, ySigned] = [r.int(2) === 0, r.int(2) === 0];
  const requant = r.int(4) === 0 ? null : requantization(r, channels, k, ySigned);
  const output: CodeArray | Int32Array = requant === null ? new Int32Array(y) : codes(r, y, ySigned);
  const low = xSigned ? -128 : 0;
  const xBits = r.int(4) === 0 ? (7 as const) : undefined;
  const wBits = r.int(8) === 0 ? (4 as const) : undefined;
  const image = codes(r, x, xSigned, pick(r, FILLS));
  return {
    x: xBits === 7 ? image.map((code) => (code - low) >> 1) : image,
    xZeroPoint: xBits === 7 ? pick(r, [0, 64, 127, r.int(128)]) : low + pick(r, [0, 128, 255, r.int(256)]),
    xBits,
    w: codes(r, wBits === 4 ? Math.ceil(w / 2) : w, wBits !== 4, pick(r, FILLS)),
    wBits,
    wZeroPoint: 0,
    bias: r.int(2) === 0 ? int32s(r, channels, 100000) : null,
    requant,
    y: output,
  };
}

function product(r: Random, m = r.int(3) === 0 ? 1 : dimension(r), n = dimension(r), k = dimension(r)): Case {
  const params = { m, n, k, ...operands(r, m * k, n * k, m * n, n, k) };
  return { op: 'qgemm', params, output: params.y, bound: 0 };
}

export function convolution(r: Random, over: Partial<ConvGeometry> = {}): Case {
  const g = convGeometry(r, over);
  const s = sizes(g);
  const params = { ...g, ...operands(r, s.x, s.w, s.y, g.outChannels, s.w / g.outChannels) };
  return { op: 'qconv2d', params, output: params.y, bound: 0 };
}

const SQUARE3 = { kernelHeight: 3, kernelWidth: 3, strideHeight: 1, strideWidth: 1 };
const UNDILATED = { dilationHeight: 1, dilationWidth: 1 };

export const layerCases: Cases = {
  'integer products': (r) => product(r),
  'large integer products': (r) =>
    r.int(16) === 0
      ? product(r, 64 + 16 * r.int(2), 576 - r.int(20), 512 - r.int(3))
      : product(r, pick(r, [64, 79, 80]), pick(r, [128, 159, 160]), pick(r, [256, 318, 319, 320])),
  'integer convolutions': (r) => convolution(r),
  'integer 3x3 convolutions': (r) =>
    convolution(r, {
      ...SQUARE3,
      ...UNDILATED,
      groups: 1,
      inHeight: 1 + r.int(15),
      inWidth: 1 + r.int(15),
      inChannels: dimension(r),
      outChannels: 1 + r.int(20),
      padTop: r.int(3),
      padLeft: r.int(3),
    }),
  'integer 1x1 convolutions': (r) =>
    convolution(r, {
      ...(r.int(2) === 0
        ? { batch: 1, inHeight: 8, inWidth: 8, inChannels: 320 - r.int(3), outChannels: 160 - r.int(3) }
        : { inChannels: dimension(r), outChannels: dimension(r) }),
      kernelHeight: 1,
      kernelWidth: 1,
      strideHeight: 1,
      strideWidth: 1,
      ...UNDILATED,
      padTop: 0,
      padLeft: 0,
      groups: 1,
    }),
  'integer depthwise convolutions': (r) => {
    const channels = dimension(r);
    const size = pick(r, [3, 3, 5, 1 + r.int(4)]);
    const stride = pick(r, [1, 1, 2, 3]);
    return convolution(r, {
      groups: channels,
      inChannels: channels,
      outChannels: channels * pick(r, [1, 1, 1, 2, 3]),
      kernelHeight: size,
      kernelWidth: size,
      strideHeight: stride,
      strideWidth: stride,
      ...(r.int(3) > 0 ? UNDILATED : {}),
      inHeight: 1 + r.int(12),
      inWidth: 1 + r.int(12),
    });
  },
};
