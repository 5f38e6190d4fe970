/** quantize, dequantize and qsoftmax: ties, specials, channels, round trips, sums of probabilities. */
import t from 'tap';
import { reference, run } from '../../../kernels/index.js';

const one = (length: number, scale: number, zeroPoint: number) => ({
  ...{ outer: 1, channels: 1, inner: length },
  ...{ scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) },
});
const INT8 = { min: -128, max: 127 };

t.test('ties to even, zero point after rounding', (t) => {
  const x = Float32Array.of(-0.75, -0.25, 0.25, 0.75, 1.25);
  const y = new Int8Array(5);
  run(reference, 'quantize', { ...one(5, 0.5, 1), ...INT8, x, y });
  t.strictSame([...y], [-1, 1, 1, 3, 3]);
  t.end();
});

t.test('infinities saturate, NaN is the zero point', (t) => {
  const x = Float32Array.of(Infinity, -Infinity, NaN, 3e38, -3e38, -0);
  const y = new Uint8Array(6);
  run(reference, 'quantize', { ...one(6, 1e-3, 7), min: 0, max: 200, x, y });
  t.strictSame([...y], [200, 0, 7, 200, 0, 7]);
  t.end();
});

t.test('the quotient is a float32', (t) => {
  // In double these quotients lie above 4.5, 2.5 and 12.5; in float32 they are ties.
  for (const [real, scale, code] of [
    [0.45000001788139343, 0.1, 4],
    [1.75, 0.7, 2],
    [3.750000238418579, 0.3, 12],
  ]) {
    const y = new Int8Array(1);
    t.ok(Math.fround(real) / Math.fround(scale) > code + 0.5);
    run(reference, 'quantize', { ...one(1, scale, 0), ...INT8, x: Float32Array.of(real), y });
    t.equal(y[0], code);
  }
  t.end();
});

t.test('one scale per channel, any axis', (t) => {
  const view = {
    outer: 2,
    channels: 2,
    inner: 3,
    scale: Float32Array.of(1, 10),
    zeroPoint: Int32Array.of(0, 5),
  };
  const x = Float32Array.from({ length: 12 }, (_, i) => i * 10);
  const y = new Int32Array(12);
  run(reference, 'quantize', { ...view, min: -1000, max: 1000, x, y });
  t.strictSame([...y], [0, 10, 20, 8, 9, 10, 60, 70, 80, 14, 15, 16]);
  const back = new Float32Array(12);
  run(reference, 'dequantize', { ...view, x: y, y: back });
  t.strictSame(back, x);
  t.end();
});

t.test('every code survives dequantize and quantize', (t) => {
  const x = Int8Array.from({ length: 256 }, (_, i) => i - 128);
  for (const scale of [1e-6, 0.0037, 1 / 3, 17, 1e6]) {
    const real = new Float32Array(256);
    run(reference, 'dequantize', { ...one(256, scale, -20), x, y: real });
    t.ok(real.every((v, i) => v === Math.fround((x[i] + 20) * Math.fround(scale))));
    const y = new Int8Array(256);
    run(reference, 'quantize', { ...one(256, scale, -20), ...INT8, x: real, y });
    t.strictSame(y, x);
  }
  t.end();
});

const softmax = (codes: number[], columns: number, scale: number, beta = 1) => {
  const y = { data: new Int8Array(codes.length), scale: 1 / 256, zeroPoint: -128 };
  const x = { data: Int8Array.from(codes), scale, zeroPoint: 11 };
  run(reference, 'qsoftmax', { rows: codes.length / columns, columns, ...INT8, beta, x, y });
  return [...y.data];
};

t.test('softmax', (t) => {
  t.strictSame(softmax([5, 5, 5, 5], 4, 0.1), [-64, -64, -64, -64]);
  t.strictSame(softmax([127, -128], 2, 1), [127, -128], 'probability 1 saturates');
  t.strictSame(softmax([0, 1], 2, Math.log(3)), [-64, 64], 'odds of 3');
  t.strictSame(softmax([0, 1], 2, Math.log(3) / 2, 2), [-64, 64], 'beta multiplies');
  t.strictSame(softmax([0, 1, 1, 0], 2, Math.log(3)), [-64, 64, 64, -64], 'rows are independent');
  t.strictSame(softmax([-128, -127], 2, Math.log(3)), softmax([126, 127], 2, Math.log(3)), 'shift invariant');
  t.end();
});
