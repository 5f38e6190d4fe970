/** 3x3 convolutions of stride 1 of float32, forward and input gradient, large enough for Winograd. */
import type { Random } from '../../../../src/core/index.js';
import { convGeometry, floats, int32s, sizes } from '../../js/samples.js';
import { convolution as integerConvolution, pick } from './layers.js';
import type { Case, Cases } from './types.js';

const channels = (r: Random): number => (r.int(8) === 0 ? pick(r, [64, 67, 97]) : 8 + r.int(33));

const geometry = (r: Random) => ({
  batch: 1 + r.int(4),
  inHeight: 3 + r.int(16),
  inWidth: 3 + r.int(16),
  inChannels: channels(r),
  outChannels: channels(r) - r.int(8),
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: r.int(3),
  padLeft: r.int(3),
  groups: 1,
});

/** relative to the largest output */
const BOUND = 1e-5;

export const winogradCases: Cases = {
  'integer Winograd convolutions': (r): Case => {
    const drawn = integerConvolution(r, geometry(r));
    if (drawn.op !== 'qconv2d' || r.int(2) === 0) return drawn;
    // raw sums, where no rounding hides a difference, and zero points of weights
    const output = new Int32Array(drawn.output.length);
    const bias = int32s(r, drawn.params.outChannels, 2 ** 30);
    const params = { ...drawn.params, bias, wZeroPoint: r.int(256) - 128, requant: null, y: output };
    return { ...drawn, params, output };
  },
  'float Winograd convolutions': (r): Case => {
    const g = convGeometry(r, geometry(r));
    const size = sizes(g);
    const [x, w, y] = [floats(r, size.x), floats(r, size.w), floats(r, size.y)];
    return r.int(2) === 0
      ? {
          op: 'conv2d',
          params: { ...g, x, w, bias: r.int(2) === 0 ? floats(r, g.outChannels) : null, y },
          output: y,
          bound: BOUND,
        }
      : { op: 'conv2dInputGrad', params: { ...g, dx: x, w, dy: y }, output: x, bound: BOUND };
  },
};
