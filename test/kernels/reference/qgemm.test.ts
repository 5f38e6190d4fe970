/** Integer matrix product: sums against mathjs, zero points, requantization per channel, unsigned codes, extremes. */
import { add, multiply, subtract, transpose, type Matrix } from 'mathjs';
import t from 'tap';
import { floatRequantization, reference, run } from '../../../kernels/index.js';

const rows = (r: number, c: number, seed: number, low: number, high: number) =>
  Array.from({ length: r }, (_, i) =>
    Array.from({ length: c }, (_, j) => low + ((i * 71 + j * 37 + seed * 53) % (high - low + 1))),
  );
const base = { bias: null, requant: null, xZeroPoint: 0, wZeroPoint: 0 };

t.test('int32 sums equal matrix algebra', (t) => {
  const [m, n, k] = [4, 5, 7];
  const [xZeroPoint, wZeroPoint] = [-17, 130];
  const x = rows(m, k, 1, -128, 127);
  const w = rows(n, k, 2, 0, 255);
  const bias = [1, -20, 300, -4000, 50000];
  const y = new Int32Array(m * n);
  run(reference, 'qgemm', {
    ...{ m, n, k, xZeroPoint, wZeroPoint, requant: null, y },
    x: Int8Array.from(x.flat()),
    w: Uint8Array.from(w.flat()),
    bias: Int32Array.from(bias),
  });
  const product = multiply(
    subtract(x, xZeroPoint) as unknown as number[][],
    transpose(subtract(w, wZeroPoint) as unknown as number[][]),
  );
  const want = add(product, Array(m).fill(bias)) as unknown as number[][] | Matrix;
  t.strictSame([...y], (want as number[][]).flat());
  t.end();
});

t.test('codes: one multiplier per output, clamped, in signed and unsigned bytes', (t) => {
  const requant = floatRequantization({
    ...{ inputScale: 0.5, weightScale: Float32Array.of(1, 0.25), outputScale: 1 },
    ...{ zeroPoint: 10, min: 5, max: 30 },
  });
  for (const y of [new Int8Array(4), new Uint8Array(4)]) {
    const x = Int8Array.of(1, 2, -3, 4);
    const w = Int8Array.of(5, 6, -7, 80);
    run(reference, 'qgemm', { ...base, m: 2, n: 2, k: 2, x, w, requant, y });
    // sums 17, 153, 9, 341: times 0.5 and 0.125, to even: 8, 19, 4, 43
    t.strictSame([...y], [18, 29, 14, 30]);
  }
  t.end();
});

t.test('the largest sums stay exact', (t) => {
  const k = 4096;
  const y = new Int32Array(2);
  const x = new Int8Array(k).fill(-128);
  const w = new Int8Array(2 * k).fill(127).fill(-127, k);
  run(reference, 'qgemm', { ...base, m: 1, n: 2, k, x, xZeroPoint: 127, w, y, bias: Int32Array.of(1, -1) });
  t.strictSame([...y], [-255 * 127 * k + 1, 255 * 127 * k - 1]);
  t.end();
});

t.test('an empty sum is the bias', (t) => {
  const y = new Int32Array(2);
  run(reference, 'qgemm', {
    ...{ ...base, m: 1, n: 2, k: 0, x: new Int8Array(0), w: new Int8Array(0), y },
    bias: Int32Array.of(3, -4),
  });
  t.strictSame([...y], [3, -4]);
  t.end();
});
