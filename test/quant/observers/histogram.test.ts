import t from 'tap';
import { ArgumentError, quantRange, Random, type NDArray, type QParams } from '../../../src/core/index.js';
import { dequantizeArray, quantizeArray } from '../../../src/ops/quantize.js';
import { histogram, minMax } from '../../../src/quant/observers/index.js';
import { l2Error, searchRange } from '../../../src/quant/observers/l2Search.js';
import { array, make, normals } from './help.js';

function mse(x: NDArray<'float32'>, qp: QParams): number {
  const y = dequantizeArray(quantizeArray(x, qp), qp).data;
  return y.reduce((sum, v, i) => sum + (v - x.data[i]) ** 2, 0) / y.length;
}

t.test('lowers the error against min-max where there are outliers, from values and from bins', async (t) => {
  for (const n of [4000, 80000]) {
    const random = new Random('outliers');
    const values = normals(n, 'body');
    for (let k = 0; k < 3; k++) values[random.int(n)] = 12 * (k - 1);
    const x = array(values);
    const [clipped, wide] = [histogram(), minMax()].map((f) => {
      const o = make(f, { quantMin: -8, quantMax: 7 });
      for (let from = 0; from < n; from += 1000) o.observe(array(values.subarray(from, from + 1000)));
      return mse(x, o.qparams());
    });
    t.ok(clipped < wide / 2, `${n} values: ${clipped} against ${wide}`);
  }
});

t.test('the range lies within the observed one and does not depend on the order of batches', async (t) => {
  const batches = Array.from({ length: 10 }, (_, k) => normals(5000, `b${k}`, 1 + k));
  const ranges = [batches, [...batches].reverse()].map((list) => {
    const o = make(histogram());
    for (const b of list) o.observe(array(b));
    return o.range();
  });
  t.strictSame(ranges[0], ranges[1]);
  const all = batches.flatMap((b) => [...b]);
  t.ok(ranges[0].min[0] >= Math.min(...all) && ranges[0].max[0] <= Math.max(...all));
});

t.test('the error integral against sums over many points of the same density', async (t) => {
  const random = new Random('density');
  const h = Float64Array.from({ length: 12 }, () => random.int(20));
  const width = 0.25;
  const [first, last, levels] = [2, 9, 5];
  const step = (width * (last - first + 1)) / levels;
  const points = 20000;
  let sum = 0;
  h.forEach((count, i) => {
    for (let k = 0; k < points; k++) {
      const u = (i - first + (k + 0.5) / points) * width;
      const cell = Math.min(Math.max(Math.floor(u / step), 0), levels - 1);
      sum += ((u - (cell + 0.5) * step) ** 2 * count) / points;
    }
  });
  const got = l2Error(h, width, first, last, levels);
  t.ok(Math.abs(got - sum) < 1e-5 * sum, `${got} ${sum}`);
});

t.test('the search keeps a range that clipping cannot better', async (t) => {
  const flat = new Float64Array(64).fill(10);
  t.strictSame(
    searchRange(flat, -1, 1, 256),
    { min: -1, max: 1 - 2 / 64 },
    'the first candidate is taken as it is',
  );
  const spike = new Float64Array(1024);
  spike.fill(100, 0, 200);
  spike[1023] = 1;
  const found = searchRange(spike, 0, 1024, 16);
  t.ok(found.max < 300, `the empty part is cut off: ${found.max}`);
  t.ok(l2Error(spike, 1, found.min, found.max - 1, 16) < l2Error(spike, 1, 0, 1023, 16));
});

t.test('never worse than min-max, at any width and for any distribution', async (t) => {
  const random = new Random('shapes');
  const shapes: Record<string, (v: number) => number> = {
    normal: (v) => v,
    relu: (v) => Math.max(v, 0),
    far: (v) => v + 20,
    heavy: (v) => v ** 5,
    signs: (v) => Math.sign(v) + 0.01 * v,
    uniform: () => random.uniform(-1, 3),
  };
  for (const [name, shape] of Object.entries(shapes))
    for (const bits of [2, 4, 8])
      for (const symmetric of [true, false]) {
        const x = array(normals(1500, name).map(shape));
        const [clipped, wide] = [histogram(), minMax()].map((f) => {
          const o = make(f, { ...quantRange(bits), symmetric });
          o.observe(x);
          return mse(x, o.qparams());
        });
        t.ok(
          clipped <= wide * (1 + 1e-5),
          `${name}, ${bits} bits, symmetric ${symmetric}: ${clipped} <= ${wide}`,
        );
      }
});

t.test('bad input', async (t) => {
  for (const bins of [0, 1, 2.5, 8193, NaN]) t.throws(() => histogram({ bins }), { message: /bins/ });
  t.throws(() => histogram({ bins: -4 }), ArgumentError);
});
