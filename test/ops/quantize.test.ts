import t from 'tap';
import {
  DTypeError,
  NDArray,
  perTensor,
  QuantizationError,
  quantRange,
  Random,
  type QParams,
} from '../../src/core/index.js';
import { fakeQuantize } from '../../src/ops/fakeQuantize.js';
import { dequantizeArray, insideRange, quantizeArray } from '../../src/ops/quantize.js';
import { tensor } from '../../src/autograd/index.js';

const f32 = (...values: number[]): NDArray<'float32'> =>
  new NDArray<'float32'>(Float32Array.from(values), [values.length]);
const codes = (x: NDArray, qp: QParams): number[] => [...quantizeArray(x, qp).data];

/** Half to even in exact arithmetic on the quotient rounded to float32, by another route than the library's. */
function referenceCode(x: number, s: number, z: number, lo: number, hi: number): number {
  const v = Math.fround(x / s);
  let r = Math.floor(v);
  const rest = v - r;
  if (rest > 0.5 || (rest === 0.5 && r % 2 !== 0)) r++;
  return Math.min(Math.max(r + z, lo), hi);
}

t.test('ties round to even before the zero point is added', async (t) => {
  const x = f32(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5);
  t.strictSame(codes(x, perTensor(1, 1, quantRange(8))), [-1, -1, 1, 1, 3, 3]);
  t.strictSame(codes(x, perTensor(1, 0, quantRange(8))), [-2, -2, 0, 0, 2, 2]);
});

t.test('every width from 2 to 8 bits, signed, unsigned and narrow, saturates at its bounds', async (t) => {
  for (let bits = 2; bits <= 8; bits++)
    for (const signed of [true, false])
      for (const narrow of [true, false]) {
        const range = quantRange(bits, { signed, narrow });
        const z = Math.max(range.quantMin, 0);
        const qp = perTensor(0.5, z, range);
        t.strictSame(codes(f32(-1e4, -Infinity, 1e4, Infinity, NaN), qp), [
          range.quantMin,
          range.quantMin,
          range.quantMax,
          range.quantMax,
          z,
        ]);
      }
});

t.test('codes are stored in the type of the range', async (t) => {
  const dtype = (qp: QParams): string => quantizeArray(f32(0), qp).dtype;
  t.equal(dtype(perTensor(1, 0, quantRange(4))), 'int8', 'int4 takes a byte');
  t.equal(dtype(perTensor(1, 0, quantRange(8))), 'int8');
  t.equal(dtype(perTensor(1, 0, quantRange(8, { signed: false }))), 'uint8');
  t.equal(dtype(perTensor(1, 0, { quantMin: -32768, quantMax: 32767 })), 'int32');
});

t.test('random scales: codes equal a division and a rounding written another way', async (t) => {
  const random = new Random('codes');
  const range = quantRange(8);
  let different = 0;
  for (let k = 0; k < 200; k++) {
    const s = Math.fround(Math.exp(random.uniform(-80, 80)));
    const z = random.int(256) - 128;
    const x = Float32Array.from({ length: 200 }, (_, i) =>
      // half of them as close to a tie as float32 gets
      i % 2 === 0 ? s * random.uniform(-200, 200) : s * (random.int(300) - 150 + 0.5),
    );
    const got = quantizeArray(new NDArray<'float32'>(x, [200]), perTensor(s, z, range)).data;
    for (let i = 0; i < 200; i++) if (got[i] !== referenceCode(x[i], s, z, -128, 127)) different++;
  }
  t.equal(different, 0);
});

t.test(
  'fake quantization is dequantize after quantize, and the mask says where the code was not clamped',
  async (t) => {
    const random = new Random('round trip');
    for (const axis of [null, 0, 1, 2]) {
      const shape = [3, 4, 5];
      const n = axis === null ? 1 : shape[axis];
      const qp: QParams = {
        dtype: 'uint8',
        scale: Float32Array.from({ length: n }, () => random.uniform(0.01, 0.1)),
        zeroPoint: Int32Array.from({ length: n }, () => random.int(256)),
        axis,
        quantMin: 0,
        quantMax: 255,
      };
      const x = NDArray.zeros(shape, 'float32');
      for (let i = 0; i < x.size; i++) x.data[i] = 8 * random.normal();
      const q = quantizeArray(x, qp);
      t.strictSame(fakeQuantize(tensor(x), qp).data, dequantizeArray(q, qp).data, `axis ${axis}`);
      const mask = insideRange(x, qp);
      const wide = quantizeArray(x, { ...qp, dtype: 'int32', quantMin: -100000, quantMax: 100000 });
      t.strictSame(
        mask,
        Uint8Array.from(wide.data, (c) => (c >= 0 && c <= 255 ? 1 : 0)),
      );
      t.ok(mask.includes(0) && mask.includes(1), 'both occur');
    }
  },
);

t.test('the mask at the ties of even and odd bounds', async (t) => {
  const odd = perTensor(1, 0, { quantMin: -127, quantMax: 127 });
  t.strictSame([...insideRange(f32(-127.5, 127.5, -127.49, 127.49, 127), odd)], [0, 0, 1, 1, 1]);
  const even = perTensor(1, 0, { quantMin: -128, quantMax: 126 });
  t.strictSame([...insideRange(f32(-128.5, 126.5, -128.51, 126.51, NaN), even)], [1, 1, 0, 0, 0]);
  const f64 = new NDArray<'float64'>(Float64Array.of(-127.5, 127.5, -127.49, Infinity), [4]);
  t.strictSame([...insideRange(f64, odd)], [0, 0, 1, 0]);
});

t.test('a code survives dequantization', async (t) => {
  const range = quantRange(8);
  const all = new NDArray<'int8'>(
    Int8Array.from({ length: 256 }, (_, i) => i - 128),
    [256],
  );
  for (const s of [1e-6, 0.0371, 1 / 3, 7e5]) {
    const qp = perTensor(s, -17, range);
    t.strictSame(quantizeArray(dequantizeArray(all, qp), qp).data, all.data);
  }
});

t.test('bad input', async (t) => {
  const qp = perTensor(1, 0, quantRange(8));
  t.throws(() => quantizeArray(NDArray.zeros([2], 'int32'), qp), DTypeError);
  t.throws(() => dequantizeArray(NDArray.zeros([2], 'float32'), qp), DTypeError);
  t.throws(() => insideRange(NDArray.zeros([2], 'int8'), qp), DTypeError);
  const perChannel = { ...qp, axis: 1, scale: Float32Array.of(1, 1), zeroPoint: Int32Array.of(0, 0) };
  t.throws(() => quantizeArray(NDArray.zeros([2, 3], 'float32'), perChannel), {
    name: 'QuantizationError',
    message: /2 scales for axis 1 of shape \[2, 3\]/,
  });
  t.throws(() => quantizeArray(NDArray.zeros([2], 'float32'), perChannel), QuantizationError);
  t.throws(() => quantizeArray(f32(1), { ...qp, scale: Float32Array.of(0) }), { message: /scale\[0\] = 0/ });
});
