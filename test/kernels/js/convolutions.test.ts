/** Every tuned convolution and product against the reference, on random shapes with all their tails. */
import t, { type Test } from 'tap';
import { Random } from '../../../src/core/index.js';
import type { OpParams } from '../../../kernels/index.js';
import { check, covered, tuned } from './check.js';
import { codes, convGeometry, type Fill, floats, int32s, requantization, sizes } from './samples.js';

/** float32 stores with one rounding; sums of doubles in another order differ far less. */
const F32 = 1.2e-7;
const F64 = 1e-14;

t.test(
  'float products equal the reference to one rounding of float32, to 1e-14 of the largest in float64',
  (t) => {
    const r = new Random('gemm');
    const dims = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17];
    for (let i = 0; i < 300; i++) {
      const big = i % 100 === 50;
      const double = i % 3 === 0;
      const [m, n, k] = big
        ? [100 + r.int(30), 130 + r.int(30), 1000 + r.int(200)]
        : dims.slice(0, 3).map(() => dims[r.int(13)]);
      const c = floats(r, m * n, double);
      const p: OpParams['gemm'] = {
        m,
        n,
        k,
        c,
        a: floats(r, m * k, double),
        b: floats(r, k * n, double),
        transA: r.int(2) === 0,
        transB: r.int(2) === 0,
        bias: r.int(2) === 0 ? floats(r, n, double) : null,
        accumulate: r.int(2) === 0,
      };
      check(t, 'gemm', p, c, double ? F64 : F32);
    }
    t.end();
  },
);

for (const depthwise of [false, true]) {
  const kind = depthwise ? 'depthwise' : 'grouped';
  t.test(`float ${kind} convolutions and gradients equal the reference to one rounding`, (t) => {
    const r = new Random(kind);
    for (let i = 0; i < 120; i++) {
      const double = i % 4 === 0;
      const channels = 1 + r.int(9);
      const g = convGeometry(r, {
        ...(depthwise
          ? { inChannels: channels, groups: channels, outChannels: channels * (1 + (i % 3)) }
          : {}),
        ...(i % 5 === 1
          ? { kernelHeight: 1, kernelWidth: 1, strideHeight: 1, strideWidth: 1, padTop: 0, padLeft: 0 }
          : {}),
        ...(i % 5 === 2 ? { kernelHeight: 3, kernelWidth: 3, dilationHeight: 1, dilationWidth: 1 } : {}),
      });
      const s = sizes(g);
      const [x, w, y] = [floats(r, s.x, double), floats(r, s.w, double), floats(r, s.y, double)];
      const bound = double ? F64 : F32;
      check(
        t,
        'conv2d',
        { ...g, x, w, bias: i % 2 === 0 ? floats(r, g.outChannels, double) : null, y },
        y,
        bound,
      );
      check(t, 'conv2dInputGrad', { ...g, dy: y, w, dx: x }, x, bound);
      check(t, 'conv2dFilterGrad', { ...g, x, dy: y, dw: w }, w, bound);
    }
    t.end();
  });
}

t.test('integer products equal the reference bit for bit', (t) => {
  const r = new Random('qgemm');
  for (let i = 0; i < 400; i++) {
    const m = i % 4 === 0 ? 1 : 1 + r.int(17);
    qgemmCase(t, r, m, 1 + r.int(17), 1 + r.int(i % 10 === 0 ? 300 : 17), 'random', 'random');
  }
  t.end();
});

t.test('integer products of extreme codes and long sums equal the reference bit for bit', (t) => {
  const r = new Random('extremes');
  const fills: Fill[] = ['lowest', 'highest', 'alternating', 'random'];
  for (const k of [1023, 1024, 1025, 2056, 2081, 5003]) {
    for (const x of fills) for (const w of fills) qgemmCase(t, r, 1 + r.int(5), 1 + r.int(6), k, x, w);
  }
  t.end();
});

function qgemmCase(t: Test, r: Random, m: number, n: number, k: number, xFill: Fill, wFill: Fill): void {
  const [xSigned, ySigned] = [r.int(2) === 0, r.int(2) === 0];
  const requant = r.int(4) === 0 ? null : requantization(r, n, k, ySigned);
  const y = requant === null ? new Int32Array(m * n) : codes(r, m * n, ySigned);
  const p: OpParams['qgemm'] = {
    m,
    n,
    k,
    x: codes(r, m * k, xSigned, xFill),
    xZeroPoint: (xSigned ? -128 : 0) + [0, 128, 255, r.int(256)][r.int(4)],
    w: codes(r, n * k, true, wFill),
    wZeroPoint: 0,
    bias: r.int(2) === 0 ? int32s(r, n, 100000) : null,
    requant,
    y,
  };
  check(t, 'qgemm', p, y, 0);
}

for (const depthwise of [false, true]) {
  const kind = depthwise ? 'depthwise' : 'grouped';
  t.test(`integer ${kind} convolutions equal the reference bit for bit`, (t) => {
    const r = new Random(`q${kind}`);
    const fills: Fill[] = ['random', 'random', 'lowest', 'highest', 'alternating'];
    for (let i = 0; i < 250; i++) {
      const channels = 1 + r.int(9);
      const g = convGeometry(r, {
        ...(depthwise
          ? { inChannels: channels, groups: channels, outChannels: channels * (1 + (i % 3)) }
          : {}),
        ...(!depthwise && i % 60 === 0
          ? { inChannels: 150, kernelHeight: 3, kernelWidth: 3, groups: 1 }
          : {}),
        ...(i % 5 === 1
          ? { kernelHeight: 1, kernelWidth: 1, strideHeight: 1, strideWidth: 1, padTop: 0, padLeft: 0 }
          : {}),
        ...(i % 5 === 2 ? { kernelHeight: 3, kernelWidth: 3, dilationHeight: 1, dilationWidth: 1 } : {}),
      });
      const s = sizes(g);
      const [xSigned, ySigned] = [r.int(2) === 0, r.int(2) === 0];
      const k = s.w / g.outChannels;
      const requant = r.int(4) === 0 ? null : requantization(r, g.outChannels, k, ySigned);
      const y = requant === null ? new Int32Array(s.y) : codes(r, s.y, ySigned);
      const p: OpParams['qconv2d'] = {
        ...g,
        x: codes(r, s.x, xSigned, fills[r.int(5)]),
        xZeroPoint: (xSigned ? -128 : 0) + r.int(256),
        w: codes(r, s.w, true, fills[r.int(5)]),
        wZeroPoint: 0,
        bias: r.int(2) === 0 ? int32s(r, g.outChannels, 10000) : null,
        requant,
        y,
      };
      check(t, 'qconv2d', p, y, 0);
    }
    t.end();
  });
}

t.test('every tuned product and convolution was compared', (t) => {
  const ops = ['gemm', 'conv2d', 'conv2dInputGrad', 'conv2dFilterGrad', 'qgemm', 'qconv2d'];
  for (const kernel of tuned) if (ops.includes(kernel.op)) t.ok(covered.has(kernel.name), kernel.name);
  t.end();
});
