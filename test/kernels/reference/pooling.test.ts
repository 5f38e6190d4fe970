/** qmaxpool, qavgpool and qmean: hand-computed windows, padding, clamps, rounding of ties, different qparams. */
import t from 'tap';
import {
  reference,
  run,
  type Numerics,
  type QuantizedArray,
  type WindowGeometry,
} from '../../../kernels/index.js';

const FULL = { min: -128, max: 127 };
const DOUBLE: Numerics = { numerics: 'fixed', rounding: 'double' };
const quantized = (data: Int8Array | Uint8Array, scale: number, zeroPoint: number): QuantizedArray => ({
  ...{ data, scale, zeroPoint },
});
/** A 3x3 image, 2x2 windows with one row and column of padding before. */
const padded: WindowGeometry = {
  ...{ batch: 1, inHeight: 3, inWidth: 3, outHeight: 2, outWidth: 2, kernelHeight: 2, kernelWidth: 2 },
  ...{ strideHeight: 2, strideWidth: 2, dilationHeight: 1, dilationWidth: 1, padTop: 1, padLeft: 1 },
};
const image = Int8Array.of(-1, -2, -3, -4, -5, -6, -7, -8, -10);

t.test('max pool ignores padding and clamps', (t) => {
  const y = new Int8Array(4);
  run(reference, 'qmaxpool', { ...padded, ...FULL, channels: 1, x: image, y });
  t.strictSame([...y], [-1, -2, -4, -5]);
  run(reference, 'qmaxpool', { ...padded, min: -4, max: -2, channels: 1, x: image, y });
  t.strictSame([...y], [-2, -2, -4, -4]);
  t.end();
});

t.test('max pool with dilation, channels and batch', (t) => {
  const g = {
    ...padded,
    batch: 2,
    outHeight: 1,
    outWidth: 1,
    dilationHeight: 2,
    dilationWidth: 2,
    padTop: 0,
    padLeft: 0,
  };
  const x = Uint8Array.from({ length: 36 }, (_, i) => (i * 7) % 40);
  const y = new Uint8Array(4);
  run(reference, 'qmaxpool', { ...g, min: 0, max: 255, channels: 2, x, y });
  const corners = [0, 4, 12, 16]; // of a 3x3x2 image, channel 0
  const want = [0, 1, 18, 19].map((start) => Math.max(...corners.map((c) => x[start + c])));
  t.strictSame([...y], want);
  t.end();
});

t.test('average pool counts cells inside, or all', (t) => {
  const average = (numerics: Numerics, countIncludePad: boolean, zeroPoint: number) => {
    const y = quantized(new Int8Array(4), 0.1, zeroPoint);
    const x = quantized(image, 0.1, zeroPoint);
    run(reference, 'qavgpool', { ...padded, ...FULL, ...numerics, channels: 1, countIncludePad, x, y });
    return [...y.data];
  };
  // windows: {-1}, {-2, -3}, {-4, -7}, {-5, -6, -8, -10}
  t.strictSame(average({ numerics: 'float' }, false, 0), [-1, -2, -6, -7], 'half to even');
  t.strictSame(average(DOUBLE, false, 0), [-1, -3, -6, -7], 'half away from zero');
  t.strictSame(average({ numerics: 'float' }, true, 0), [0, -1, -3, -7]);
  t.strictSame(average(DOUBLE, true, -1), [-1, -2, -3, -7], 'padding holds the zero point');
  t.end();
});

const mean = (numerics: Numerics, x: QuantizedArray, y: QuantizedArray, extent: [number, number, number]) => {
  const [outer, reduce, inner] = extent;
  run(reference, 'qmean', { ...numerics, ...FULL, outer, reduce, inner, x, y });
  return [...y.data];
};

t.test('mean over the middle axis', (t) => {
  const x = quantized(Int8Array.of(1, 10, 3, 20, 5, 30, -1, -10, -3, -20, -5, -30), 1, 0);
  for (const numerics of [{ numerics: 'float' } as const, DOUBLE])
    t.strictSame(mean(numerics, x, quantized(new Int8Array(4), 1, 0), [2, 3, 2]), [3, 20, -3, -20]);
  t.end();
});

t.test('mean to other qparams stays within half a step of the real mean', (t) => {
  const data = Int8Array.from({ length: 49 * 16 }, (_, i) => ((i * 89) % 256) - 128);
  const [sx, zx, sy, zy] = [0.02, -13, 0.013, 5];
  const y = quantized(new Int8Array(16), sy, zy);
  for (const numerics of [{ numerics: 'float' } as const, DOUBLE]) {
    const codes = mean(numerics, quantized(data, sx, zx), y, [1, 49, 16]);
    codes.forEach((code, c) => {
      let sum = 0;
      for (let r = 0; r < 49; r++) sum += (data[r * 16 + c] - zx) * sx;
      t.ok(Math.abs(sum / 49 / sy + zy - code) < 0.51, `channel ${c}`);
    });
  }
  t.end();
});

t.test('the mean of equal codes is that code', (t) => {
  for (const numerics of [{ numerics: 'float' } as const, DOUBLE]) {
    for (const code of [-128, -77, 0, 1, 127]) {
      for (const count of [1, 3, 7, 49, 196]) {
        const x = quantized(new Int8Array(count).fill(code), 0.07, -3);
        t.strictSame(mean(numerics, x, quantized(new Int8Array(1), 0.07, -3), [1, count, 1]), [code]);
      }
    }
  }
  t.end();
});
