/** Float matrix product against mathjs, in all transpositions, with bias and accumulation. */
import { multiply, transpose } from 'mathjs';
import t from 'tap';
import { reference, run } from '../../../kernels/index.js';

const m = 3;
const n = 4;
const k = 5;
const rows = (r: number, c: number, seed: number) =>
  Array.from({ length: r }, (_, i) => Array.from({ length: c }, (_, j) => ((i * 7 + j * 3 + seed) % 11) - 5));

for (const transA of [false, true]) {
  for (const transB of [false, true]) {
    t.test(`transA ${transA} transB ${transB}`, (t) => {
      const a = rows(m, k, 1);
      const b = rows(k, n, 2);
      const bias = [10, 20, 30, 40];
      const product = multiply(a, b);
      const c = new Float64Array(m * n).fill(100);
      const params = {
        ...{ m, n, k, transA, transB, c },
        a: Float64Array.from((transA ? transpose(a) : a).flat()),
        b: Float64Array.from((transB ? transpose(b) : b).flat()),
      };
      run(reference, 'gemm', { ...params, bias: null, accumulate: false });
      t.strictSame([...c], product.flat());
      run(reference, 'gemm', { ...params, bias: Float64Array.from(bias), accumulate: true });
      t.strictSame([...c], product.map((row) => row.map((v, j) => 2 * v + bias[j])).flat());
      t.end();
    });
  }
}

t.test('sums are double, rounded once', (t) => {
  const c = new Float32Array(1);
  const shape = { m: 1, n: 1, k: 3, transA: false, transB: false };
  run(reference, 'gemm', {
    ...shape,
    a: Float32Array.of(1e8, 1, -1e8),
    b: Float32Array.of(1, 1, 1),
    bias: null,
    accumulate: false,
    c,
  });
  t.equal(c[0], 1);
  t.end();
});
