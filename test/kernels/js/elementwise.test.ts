/** Tuned integer addition and pooling against the reference. */
import t from 'tap';
import type { Numerics, OpParams, QuantizedArray } from '../../../kernels/index.js';
import { Random } from '../../../src/core/index.js';
import { check, covered, tuned } from './check.js';
import { codes, convGeometry } from './samples.js';

function numerics(r: Random): Numerics {
  const kind = r.int(3);
  return kind === 0
    ? { numerics: 'float' }
    : { numerics: 'fixed', rounding: kind === 1 ? 'double' : 'single' };
}

function quantized(r: Random, length: number, signed: boolean): QuantizedArray {
  return {
    data: codes(r, length, signed),
    scale: Math.fround(r.uniform(0.01, 0.5)),
    zeroPoint: (signed ? -128 : 0) + r.int(256),
  };
}

const clampOf = (r: Random, signed: boolean): { min: number; max: number } => {
  const min = (signed ? -128 : 0) + r.int(100);
  return { min, max: min + 50 + r.int(106) };
};

t.test('addition and subtraction of one shape equal the reference bit for bit', (t) => {
  const r = new Random('qadd');
  for (let i = 0; i < 200; i++) {
    const shape = [1 + r.int(4), 1 + r.int(5), 1 + r.int(30)];
    const length = shape[0] * shape[1] * shape[2];
    const signed = r.int(2) === 0;
    const y = quantized(r, length, signed);
    const p: OpParams['qadd'] = {
      ...numerics(r),
      ...clampOf(r, signed),
      subtract: r.int(2) === 0,
      aShape: shape,
      bShape: shape,
      yShape: [1, ...shape],
      a: quantized(r, length, r.int(2) === 0),
      b: quantized(r, length, r.int(2) === 0),
      y,
    };
    check(t, 'qadd', p, y.data, 0);
  }
  t.end();
});

t.test('addition with broadcasting is left to the reference', (t) => {
  const r = new Random('broadcast');
  const [a, b, y] = [quantized(r, 6, true), quantized(r, 2, true), quantized(r, 6, true)];
  const p: OpParams['qadd'] = {
    numerics: 'float',
    subtract: false,
    min: -128,
    max: 127,
    aShape: [3, 2],
    bShape: [2],
    yShape: [3, 2],
    a,
    b,
    y,
  };
  for (const kernel of tuned) if (kernel.op === 'qadd') t.notOk(kernel.supports(p), kernel.name);
  t.end();
});

t.test('pooling equals the reference bit for bit', (t) => {
  const r = new Random('pool');
  for (let i = 0; i < 200; i++) {
    const channels = 1 + r.int(9);
    const g = convGeometry(r, { inChannels: channels, outChannels: channels, groups: channels });
    const signed = r.int(2) === 0;
    const x = quantized(r, g.batch * g.inHeight * g.inWidth * channels, signed);
    const other = quantized(r, g.batch * g.outHeight * g.outWidth * channels, signed);
    const y = r.int(2) === 0 ? other : { ...other, scale: x.scale, zeroPoint: x.zeroPoint };
    const common = { ...g, ...clampOf(r, signed), channels };
    check(t, 'qmaxpool', { ...common, x: x.data, y: y.data }, y.data, 0);
    // A window without a cell has no mean.
    const inside = g.padTop < g.kernelHeight && g.padLeft < g.kernelWidth;
    const countIncludePad = !inside || g.dilationHeight * g.dilationWidth > 1 || r.int(2) === 0;
    check(t, 'qavgpool', { ...common, ...numerics(r), countIncludePad, x, y }, y.data, 0);
  }
  t.end();
});

t.test('every tuned kernel of these ops was compared', (t) => {
  for (const kernel of tuned)
    if (['qadd', 'qmaxpool', 'qavgpool'].includes(kernel.op)) t.ok(covered.has(kernel.name), kernel.name);
  t.end();
});
