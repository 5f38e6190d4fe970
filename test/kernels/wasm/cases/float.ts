/** Float products and convolutions with their gradients: every size from 1, long depths, every geometry. */
import type { ConvGeometry } from '../../../../kernels/index.js';
import type { Random } from '../../../../src/core/index.js';
import { convGeometry, floats, sizes } from '../../js/samples.js';
import { dimension, pick } from './layers.js';
import type { Case, Cases } from './types.js';

/**
 * Each of k additions rounds a sum by 2^-24 of it. The sums walk about sqrt(k), rounding errors of either sign about
 * k / 4 of 2^-24 for operands of variance 1; twice k of it is beyond the reach of chance.
 */
const bound = (k: number): number => (k + 4) * 2 ** -23;

function product(r: Random): Case {
  const m = r.int(3) === 0 ? 1 : dimension(r);
  const n = r.int(6) === 0 ? 1 : dimension(r);
  const k = dimension(r);
  const c = floats(r, m * n);
  const params = {
    m,
    n,
    k,
    a: floats(r, m * k),
    b: floats(r, n * k),
    transA: r.int(2) === 0,
    transB: r.int(2) === 0,
    bias: r.int(2) === 0 ? floats(r, n) : null,
    accumulate: r.int(2) === 0,
    c,
  };
  return { op: 'gemm', params, output: c, bound: bound(k) };
}

function convolution(r: Random, over: Partial<ConvGeometry>): Case {
  const g = convGeometry(r, over);
  const size = sizes(g);
  const [x, w, y] = [floats(r, size.x), floats(r, size.w), floats(r, size.y)];
  const taps = g.kernelHeight * g.kernelWidth;
  switch (r.int(3)) {
    case 0: {
      const bias = r.int(2) === 0 ? floats(r, g.outChannels) : null;
      return {
        op: 'conv2d',
        params: { ...g, x, w, bias, y },
        output: y,
        bound: bound((taps * g.inChannels) / g.groups),
      };
    }
    case 1:
      return {
        op: 'conv2dInputGrad',
        params: { ...g, dx: x, w, dy: y },
        output: x,
        bound: bound((taps * g.outChannels) / g.groups),
      };
    default:
      return {
        op: 'conv2dFilterGrad',
        params: { ...g, x, dw: w, dy: y },
        output: w,
        bound: bound(size.y / g.outChannels),
      };
  }
}

export const floatCases: Cases = {
  'float products': product,
  'float convolutions': (r) => convolution(r, {}),
  'float convolutions of more channels': (r) =>
    convolution(r, {
      groups: 1,
      batch: 1 + r.int(4),
      inHeight: 1 + r.int(20),
      inWidth: 1 + r.int(20),
      inChannels: pick(r, [1, dimension(r)]),
      outChannels: 1 + r.int(20),
    }),
  'float 1x1 convolutions': (r) =>
    convolution(r, {
      kernelHeight: 1,
      kernelWidth: 1,
      padTop: 0,
      padLeft: 0,
      strideHeight: pick(r, [1, 1, 2]),
      strideWidth: 1,
    }),
  'float depthwise convolutions': (r) => {
    const channels = 1 + r.int(24);
    return convolution(r, {
      groups: channels,
      inChannels: channels,
      outChannels: channels * pick(r, [1, 1, 1, 2]),
      inHeight: 1 + r.int(14),
      inWidth: 1 + r.int(14),
    });
  },
};
