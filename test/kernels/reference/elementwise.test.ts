/** qadd, qmul and qrequantize: hand-computed codes, broadcasting, both numerics, and nearness to real arithmetic. */
import t from 'tap';
import { reference, roundHalfEven, run, type Numerics, type QuantizedArray } from '../../../kernels/index.js';

const NUMERICS: Numerics[] = [
  { numerics: 'float' },
  { numerics: 'fixed', rounding: 'double' },
  { numerics: 'fixed', rounding: 'single' },
];
const FULL = { min: -128, max: 127 };
const quantized = (data: Int8Array | Uint8Array, scale: number, zeroPoint: number): QuantizedArray => ({
  ...{ data, scale, zeroPoint },
});
const allCodes = Int8Array.from({ length: 256 }, (_, i) => i - 128);

t.test('add and subtract by hand', (t) => {
  const shapes = { aShape: [3], bShape: [3], yShape: [3] };
  const a = quantized(Int8Array.of(10, -4, 127), 0.5, 2); // 4, -3, 62.5
  const b = quantized(Int8Array.of(3, 1, 101), 1, 1); // 2, 0, 100
  for (const numerics of NUMERICS) {
    const y = quantized(new Int8Array(3), 1, -5);
    run(reference, 'qadd', { ...numerics, ...FULL, ...shapes, a, b, y, subtract: false });
    t.strictSame([...y.data], [1, -8, 127]);
    run(reference, 'qadd', { ...numerics, ...FULL, ...shapes, a, b, y, subtract: true, max: -5 });
    t.strictSame([...y.data].slice(0, 2), [-5, -8], 'clamped from above');
  }
  t.end();
});

t.test('float addition rounds each rescaled operand and their sum to float32', (t) => {
  const shapes = { aShape: [1], bShape: [1], yShape: [1] };
  const [sa, sb, sy] = [0.1, 0.3, 0.7].map(Math.fround);
  const [ma, mb] = [Math.fround(sa / sy), Math.fround(sb / sy)];
  const wrong: string[] = [];
  for (let qa = -128; qa < 128; qa += 5) {
    for (let qb = -128; qb < 128; qb += 7) {
      const y = quantized(new Int8Array(1), sy, 3);
      const [a, b] = [quantized(Int8Array.of(qa), sa, 1), quantized(Int8Array.of(qb), sb, -2)];
      run(reference, 'qadd', { numerics: 'float', ...FULL, ...shapes, a, b, y, subtract: false });
      const sum = Math.fround(Math.fround((qa - 1) * ma) + Math.fround((qb + 2) * mb));
      const want = Math.max(-128, Math.min(127, roundHalfEven(sum) + 3));
      if (y.data[0] !== want) wrong.push(`${qa} + ${qb}: ${y.data[0]}, not ${want}`);
    }
  }
  t.strictSame(wrong, []);
  t.end();
});

t.test('ties go to even in float numerics only', (t) => {
  const shapes = { aShape: [4], bShape: [1], yShape: [4] };
  const a = quantized(Int8Array.of(-3, -1, 1, 3), 0.5, 0);
  const b = quantized(Int8Array.of(0), 0.5, 0);
  const results = NUMERICS.map((numerics) => {
    const y = quantized(new Int8Array(4), 1, 0);
    run(reference, 'qadd', { ...numerics, ...FULL, ...shapes, a, b, y, subtract: false });
    return [...y.data];
  });
  t.strictSame(results, [
    [-2, 0, 0, 2],
    [-2, -1, 1, 2],
    [-1, 0, 1, 2],
  ]);
  t.end();
});

t.test('broadcasting', (t) => {
  const pairs = (aShape: number[], bShape: number[], yShape: number[]) => {
    const size = (shape: number[]) => shape.reduce((n, d) => n * d, 1);
    const codes = (length: number, step: number) => Int8Array.from({ length }, (_, i) => i * step);
    const a = quantized(codes(size(aShape), 1), 1, 0);
    const b = quantized(codes(size(bShape), 10), 1, 0);
    const y = quantized(new Int8Array(size(yShape)), 1, 0);
    run(reference, 'qadd', { numerics: 'float', ...FULL, aShape, bShape, yShape, a, b, y, subtract: false });
    return [...y.data];
  };
  t.strictSame(pairs([2, 3], [3], [2, 3]), [0, 11, 22, 3, 14, 25]);
  t.strictSame(pairs([2, 1], [1, 3], [2, 3]), [0, 10, 20, 1, 11, 21]);
  t.strictSame(pairs([1], [2, 2], [2, 2]), [0, 10, 20, 30]);
  t.strictSame(pairs([], [2], [2]), [0, 10]);
  t.strictSame(pairs([2, 1, 2], [3, 1], [2, 3, 2]), [0, 1, 10, 11, 20, 21, 2, 3, 12, 13, 22, 23]);
  t.end();
});

t.test('multiply', (t) => {
  const shapes = { aShape: [256], bShape: [1], yShape: [256] };
  for (const numerics of NUMERICS) {
    for (const qb of [-128, -1, 0, 55, 127]) {
      const a = quantized(allCodes, 0.05, 20);
      const b = quantized(Int8Array.of(qb), 0.03, -7);
      const y = quantized(new Int8Array(256), 0.21, 6);
      run(reference, 'qmul', { ...numerics, ...FULL, ...shapes, a, b, y });
      const real = Array.from(allCodes, (qa) => ((qa - 20) * 0.05 * (qb + 7) * 0.03) / 0.21 + 6);
      const worst = Math.max(...real.map((v, i) => Math.abs(Math.max(-128, Math.min(127, v)) - y.data[i])));
      t.ok(worst <= (numerics.numerics === 'float' ? 0.5001 : 0.6), `${worst} steps from the real product`);
    }
  }
  t.end();
});

t.test('requantize', (t) => {
  const to = (numerics: Numerics, scale: number, zeroPoint: number, clamp = FULL) => {
    const y = quantized(new Int8Array(256), scale, zeroPoint);
    run(reference, 'qrequantize', { ...numerics, ...clamp, x: quantized(allCodes, 0.1, 5), y });
    return y.data;
  };
  for (const numerics of NUMERICS) {
    t.strictSame(to(numerics, 0.1, 5), allCodes, 'equal qparams copy');
    t.strictSame([...to(numerics, 0.1, 5, { min: 5, max: 65 })].slice(130, 136), [5, 5, 5, 5, 6, 7], 'ReLU6');
  }
  t.end();
});

t.test('requantize ties', (t) => {
  const results = NUMERICS.map((numerics) => {
    const y = quantized(new Int8Array(4), 0.5, -1);
    run(reference, 'qrequantize', {
      ...numerics,
      ...FULL,
      x: quantized(Int8Array.of(1, 3, 5, 7), 0.25, 4),
      y,
    });
    return [...y.data];
  });
  // (q - 4) / 2 = -1.5, -0.5, 0.5, 1.5, then the zero point -1
  t.strictSame(results, [
    [-3, -1, -1, 1],
    [-2, -1, 0, 1],
    [-2, -1, 0, 1],
  ]);
  t.end();
});

t.test('int8 and uint8 mix', (t) => {
  const y = quantized(new Uint8Array(256), 0.1, 133);
  run(reference, 'qrequantize', { numerics: 'float', min: 0, max: 255, x: quantized(allCodes, 0.1, 5), y });
  t.strictSame(
    [...y.data],
    Array.from(allCodes, (q) => q + 128),
  );
  t.end();
});
