/** Where integer Winograd is exact, and what both leave to other kernels; random problems are in cases.test.ts. */
import t from 'tap';
import { heap, type OpParams, reference, resolve, wasm, type Kernel } from '../../../kernels/index.js';
import { winogradKernel } from '../../../kernels/wasm/winograd/conv.js';
import { winogradFloatKernel } from '../../../kernels/wasm/winograd/float.js';
import { winogradInputGrad } from '../../../kernels/wasm/winograd/inputGrad.js';
import { Random } from '../../../src/core/index.js';
import { convGeometry, floats, result, sizes } from '../js/samples.js';

const [qconv2d, conv2d, conv2dInputGrad] = [
  winogradKernel,
  winogradFloatKernel,
  winogradInputGrad,
] as unknown as [Kernel<'qconv2d'>, Kernel<'conv2d'>, Kernel<'conv2dInputGrad'>];

const square = {
  batch: 1,
  inHeight: 9,
  inWidth: 9,
  outHeight: 9,
  outWidth: 9,
  kernelHeight: 3,
  kernelWidth: 3,
  strideHeight: 1,
  strideWidth: 1,
  dilationHeight: 1,
  dilationWidth: 1,
  padTop: 1,
  padLeft: 1,
  groups: 1,
};

/** A layer whose weights are `sign`, and add up to `sum` in the first output channel; x - zero point is all 255. */
function extreme(sum: number, sign: 1 | -1, signed: boolean): OpParams['qconv2d'] {
  const inChannels = 116;
  const w = new Int8Array(2 * 9 * inChannels);
  for (let i = 0, left = sum; i < 9 * inChannels; i++, left -= 127)
    w[i] = sign * Math.max(0, Math.min(127, left));
  const x = signed ? new Int8Array(81 * inChannels).fill(127) : new Uint8Array(81 * inChannels).fill(255);
  return {
    ...square,
    inChannels,
    outChannels: 2,
    x,
    xZeroPoint: signed ? -128 : 0,
    w,
    wZeroPoint: 0,
    bias: new Int32Array([2 ** 31 - 1, -(2 ** 31)]),
    requant: null,
    y: new Int32Array(162),
  };
}

/** 255 times this is the largest sum below 2^25. */
const LARGEST = 131586;

t.test('sums up to 2^25 are exact; a layer that can exceed them is left to the direct kernel', (t) => {
  for (const sign of [1, -1] as const)
    for (const signed of [true, false]) {
      const at = extreme(LARGEST, sign, signed);
      t.ok(qconv2d.supports(at), 'taken at the bound');
      t.same(result(qconv2d, at, at.y), result(resolve(reference, 'qconv2d', at), at, at.y));
      const beyond = extreme(LARGEST + 1, sign, signed);
      t.notOk(qconv2d.supports(beyond), 'refused beyond the bound');
      const want = result(resolve(reference, 'qconv2d', beyond), beyond, beyond.y);
      t.notSame(result(qconv2d, beyond, beyond.y), want, 'for the bound is tight');
      t.not(resolve(wasm, 'qconv2d', beyond).name, qconv2d.name);
      t.same(
        result(resolve(wasm, 'qconv2d', beyond), beyond, beyond.y),
        want,
        'and the next kernel is right',
      );
    }
  t.end();
});

t.test('alternating extremes of codes and weights, with the largest zero points, are exact', (t) => {
  const r = new Random('extremes');
  for (const wZeroPoint of [0, -128, 127])
    for (const xZeroPoint of [0, 128, 255]) {
      const g = { ...square, inChannels: 40, outChannels: 11 };
      const s = sizes(g);
      const params = {
        ...g,
        x: new Uint8Array(s.x).map(() => 255 * r.int(2)),
        xZeroPoint,
        w: new Int8Array(s.w).map(() => 255 * r.int(2) - 128),
        wZeroPoint,
        bias: null,
        requant: null,
        y: new Int32Array(s.y),
      };
      t.ok(qconv2d.supports(params));
      t.same(
        result(qconv2d, params, params.y),
        result(resolve(reference, 'qconv2d', params), params, params.y),
      );
    }
  t.end();
});

t.test('float weights and biases may change between calls', (t) => {
  const r = new Random('weights');
  const g = convGeometry(r, { ...square, batch: 4, inChannels: 8, outChannels: 9 });
  const s = sizes(g);
  const w = floats(r, s.w);
  const bias = floats(r, 9);
  const params = { ...g, x: floats(r, s.x), w, bias, y: new Float32Array(s.y) };
  const call = conv2d.prepare(params, heap);
  call();
  const before = Array.from(params.y);
  w.set(w.map((v) => 2 * v));
  bias.set(bias.map((v) => 2 * v));
  call();
  t.same(
    Array.from(params.y),
    before.map((v) => 2 * v),
  );
  t.end();
});

t.test('supports: 3x3, stride 1, ungrouped, undilated, float32, and large enough to pay', (t) => {
  const floatParams = (over: object): OpParams['conv2d'] => {
    const g = { ...square, inChannels: 16, outChannels: 16, ...over };
    const s = sizes(g);
    return { ...g, x: new Float32Array(s.x), w: new Float32Array(s.w), bias: null, y: new Float32Array(s.y) };
  };
  t.ok(conv2d.supports(floatParams({})));
  for (const over of [
    { kernelHeight: 5 },
    { kernelWidth: 1 },
    { strideWidth: 2 },
    { dilationHeight: 2 },
    { groups: 2 },
    { inChannels: 4 },
    { outHeight: 1 },
  ])
    t.notOk(conv2d.supports(floatParams(over)), JSON.stringify(over));
  t.notOk(conv2d.supports({ ...floatParams({}), x: new Float64Array(81 * 16) }));
  t.notOk(conv2d.supports({ ...floatParams({}), bias: new Float64Array(16) }));
  const { x: dx, y: dy, ...rest } = floatParams({});
  t.ok(conv2dInputGrad.supports({ ...rest, dx, dy }));
  t.notOk(conv2dInputGrad.supports({ ...rest, dx, dy, padTop: 3 }), 'dy would be cropped');
  t.end();
});
