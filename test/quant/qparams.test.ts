import t from 'tap';
import { NDArray, QuantizationError, quantRange, Random } from '../../src/core/index.js';
import { quantizeArray } from '../../src/ops/quantize.js';
import { chooseQParams, MIN_SCALE, symmetricZeroPoint, tfliteParams } from '../../src/quant/qparams.js';

const int8 = { ...quantRange(8), symmetric: false };
const uint8 = { ...quantRange(8, { signed: false }), symmetric: false };

t.test('affine: the range is widened to 0, its ends get the outermost codes', async (t) => {
  const random = new Random('affine');
  for (let bits = 2; bits <= 8; bits++)
    for (const signed of [true, false])
      for (let k = 0; k < 50; k++) {
        const range = quantRange(bits, { signed });
        const [a, b] = [random.uniform(-3, 1), random.uniform(-1, 3)].sort((p, q) => p - q);
        const qp = chooseQParams(a, b, { ...range, symmetric: false });
        const lo = Math.min(a, 0);
        const hi = Math.max(b, 0);
        const x = new NDArray<'float32'>(Float32Array.of(lo, hi, 0), [3]);
        const [qlo, qhi, q0] = quantizeArray(x, qp).data;
        t.equal(q0, qp.zeroPoint[0], '0 is exact');
        t.equal(qlo, range.quantMin);
        t.ok(qhi >= range.quantMax - 1, 'rounding the zero point shifts the other end by at most one code');
        const width = (hi - lo) / (range.quantMax - range.quantMin);
        t.ok(Math.abs(qp.scale[0] - width) <= 1e-7 * width);
      }
});

t.test('symmetric: zero point 0 for signed ranges, the middle code for unsigned ones', async (t) => {
  const symmetric = true;
  t.equal(chooseQParams(-3, 1, { ...quantRange(8), symmetric }).scale[0], Math.fround(3 / 127.5));
  t.equal(
    chooseQParams(-3, 1, { ...quantRange(8, { narrow: true }), symmetric }).scale[0],
    Math.fround(3 / 127),
  );
  for (let bits = 2; bits <= 8; bits++)
    for (const narrow of [true, false]) {
      t.ok(Object.is(symmetricZeroPoint(quantRange(bits, { narrow })), 0));
      t.equal(symmetricZeroPoint(quantRange(bits, { signed: false, narrow })), 2 ** (bits - 1));
    }
  const s8 = chooseQParams(-3, 1, { ...quantRange(8), symmetric });
  const u8 = chooseQParams(-3, 1, { ...quantRange(8, { signed: false }), symmetric });
  const x = new NDArray<'float32'>(Float32Array.of(-3, -0.4, 0, 1), [4]);
  t.strictSame(
    [...quantizeArray(x, u8).data],
    Array.from(quantizeArray(x, s8).data, (q) => q + 128),
    'uint8 codes are int8 codes plus 128',
  );
});

t.test('the safe scale', async (t) => {
  for (const symmetric of [true, false])
    for (const convention of ['torch', 'tflite'] as const)
      t.equal(chooseQParams(0, 0, { ...uint8, symmetric, convention }).scale[0], MIN_SCALE);
  t.equal(chooseQParams(-1e-12, 1e-12, int8).scale[0], MIN_SCALE, 'torch: a lower bound');
  t.equal(
    chooseQParams(0, 2.55e-10, { ...uint8, convention: 'tflite' }).scale[0],
    Math.fround(1e-12),
    'tflite: only for a range of zero width',
  );
  t.equal(chooseQParams(0, 1e-44, { ...uint8, convention: 'tflite' }).scale[0], 2 ** -126, 'never denormal');
});

t.test('per channel', async (t) => {
  const min = Float32Array.of(-1, 0, -2);
  const max = Float32Array.of(1, 4, 0);
  const qp = chooseQParams(min, max, { ...int8, axis: 3 });
  t.equal(qp.axis, 3);
  t.equal(qp.dtype, 'int8');
  for (let c = 0; c < 3; c++) {
    const one = chooseQParams(min[c], max[c], int8);
    t.equal(qp.scale[c], one.scale[0]);
    t.equal(qp.zeroPoint[c], one.zeroPoint[0]);
  }
});

t.test('tflite: the end with the smaller error fixes the zero point, ties go away from 0', async (t) => {
  t.strictSame(tfliteParams(0, 0, int8), { scale: 0, zeroPoint: 0 });
  t.strictSame(tfliteParams(-1, 254, int8), { scale: 1, zeroPoint: -127 });
  t.strictSame(tfliteParams(-0.5, 254.5, uint8), { scale: 1, zeroPoint: 1 }, 'rne would give 0');
  t.strictSame(tfliteParams(-3, 1, int8, true), { scale: 3 / 127, zeroPoint: 0 });
  t.equal(
    chooseQParams(-3, 1, { ...int8, symmetric: true, convention: 'tflite' }).scale[0],
    Math.fround(3 / 127),
  );
});

t.test('the widest float32 range', async (t) => {
  const qp = chooseQParams(-3.4e38, 3.4e38, int8);
  t.ok(Math.abs(qp.scale[0] / (6.8e38 / 255) - 1) < 1e-6);
});

t.test('bad input', async (t) => {
  const name = 'block1/relu';
  for (const [lo, hi] of [
    [NaN, 1],
    [0, NaN],
    [-Infinity, 0],
    [0, Infinity],
    [Infinity, -Infinity],
  ])
    t.throws(() => chooseQParams(lo, hi, { ...int8, name }), {
      name: 'QuantizationError',
      message: /block1\/relu.*not finite/,
    });
  t.throws(() => chooseQParams([0, NaN], [1, 1], { ...int8, axis: 0, name }), {
    message: /block1\/relu, channel 1/,
  });
  t.throws(() => chooseQParams(2, 1, { ...int8, name }), { message: /min 2 is above max 1/ });
  t.throws(() => chooseQParams(-1e300, 1e300, { ...int8, name }), { message: /block1\/relu: scale\[0\]/ });
  t.throws(() => chooseQParams(0, 1, { quantMin: 3, quantMax: 3, symmetric: false }), {
    message: /quantMin 3/,
  });
  t.throws(() => chooseQParams(0, 1, { quantMin: 0.5, quantMax: 3, symmetric: false }), QuantizationError);
  t.throws(() => chooseQParams([0, 0], [1, 1], int8), { message: /2 ranges without an axis/ });
  t.throws(() => chooseQParams([0, 0], [1], { ...int8, axis: 0 }), { message: /2 minima and 1 maxima/ });
  t.throws(() => chooseQParams([], [], { ...int8, axis: 0 }), QuantizationError);
});
