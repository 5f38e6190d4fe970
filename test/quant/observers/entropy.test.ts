/** The entropy observer: its divergence against the definition, what it clips, and what it leaves alone. */
import t from 'tap';
import { ArgumentError, quantRange, Random } from '../../../src/core/index.js';
import { divergence, searchThreshold } from '../../../src/quant/observers/entropy.js';
import { entropy, histogram, mse } from '../../../src/quant/observers/index.js';
import { array, make, normals } from './help.js';

t.test('mse() is histogram() by the name of what it minimizes', async (t) => {
  t.equal(mse, histogram);
});

/** sum P log(P / Q) of two normalised lists. */
function kl(p: number[], q: number[]): number {
  const [sp, sq] = [p, q].map((list) => list.reduce((a, b) => a + b, 0));
  return p.reduce((sum, v, i) => (v === 0 ? sum : sum + (v / sp) * Math.log(v / sp / (q[i] / sq))), 0);
}

t.test('the divergence of six bins in two codes, written out', async (t) => {
  const h = Float64Array.of(4, 2, 0, 1, 3, 2, 5, 1);
  // P: six bins, the last with the 6 beyond; Q: [4 2 0] has mean 3 where it is not empty, [1 3 2] has 2
  const want = kl([4, 2, 0, 1, 3, 8], [3, 3, 0, 2, 2, 2]);
  t.ok(Math.abs(divergence(h, 6, 2) - want) < 1e-12, `${divergence(h, 6, 2)} ${want}`);
  t.equal(divergence(h, 3, 3), Infinity, 'mass beyond an empty bin has no code');
  t.equal(divergence(Float64Array.of(1, 2, 3), 3, 3), 0, 'a code for every bin');
  t.end();
});

t.test('bins that codes divide alike are all kept', async (t) => {
  t.equal(searchThreshold(new Float64Array(64).fill(10), 16), 64);
});

t.test('outliers are clipped, from values and from bins; a bounded distribution is not', async (t) => {
  const random = new Random('uniform');
  for (const n of [20000, 120000]) {
    const values = normals(n, 'body');
    for (let k = 0; k < 4; k++) values[random.int(n)] = 40;
    const o = make(entropy());
    for (let from = 0; from < n; from += 10000) o.observe(array(values.subarray(from, from + 10000)));
    const { min, max } = o.range();
    t.ok(max[0] > 2 && max[0] < 8 && min[0] >= -8, `${n} values: ${min[0]} to ${max[0]}`);

    const even = make(entropy());
    even.observe(array(Float32Array.from({ length: n }, () => random.uniform(-1, 2))));
    t.ok(even.range().max[0] > 1.9, `${n} values: ${even.range().max[0]}`);
  }
});

t.test('zeros, of which a ReLU makes many, do not move the threshold', async (t) => {
  const body = normals(30000, 'relu').map(Math.abs);
  const [plain, padded] = [body, [...body, ...new Float32Array(100000)]].map((values) => {
    const o = make(entropy());
    o.observe(array(values));
    return o.range().max[0];
  });
  t.ok(Math.abs(plain - padded) < 0.05 * plain, `${plain} ${padded}`);
});

t.test('the range lies in the observed one, in any order of batches', async (t) => {
  const batches = Array.from({ length: 8 }, (_, k) => normals(6000, `b${k}`, 1 + k));
  const ranges = [batches, [...batches].reverse()].map((list) => {
    const o = make(entropy());
    for (const b of list) o.observe(array(b));
    return o.range();
  });
  t.strictSame(ranges[0], ranges[1]);
  const all = batches.flatMap((b) => [...b]);
  t.ok(ranges[0].min[0] >= Math.min(...all) && ranges[0].max[0] <= Math.max(...all));
});

t.test('bad input', async (t) => {
  for (const bins of [255, 2.5, 8193, NaN]) t.throws(() => entropy({ bins }), { message: /bins/ });
  t.throws(() => entropy({ bins: 0 }), ArgumentError);
});

t.test('a few distinct values, as in images, keep a range: a match in too few bins is none', async (t) => {
  // half of them one level, the others 64 levels, far apart in bins
  const o = make(entropy(), quantRange(4));
  o.observe(array(Float32Array.from({ length: 20000 }, (_, i) => (i % 2 ? (i % 128) * 0.015 : -0.8))));
  const { min, max } = o.range();
  t.ok(max[0] - min[0] > 0.8, `${min[0]} to ${max[0]}`);
  // without the rule the first 8 bins, of which the last alone has values, match best
  const h = new Float64Array(2048);
  for (let i = 7; i < 2048; i += 32) h[i] = i === 7 ? 1 : 100;
  t.equal(divergence(h, 8, 8), 0);
  t.ok(searchThreshold(h, 8) > 7 * 32, `${searchThreshold(h, 8)}`);
});

t.test('a spike is no reason to clip the rest', async (t) => {
  // few values below the spike, evenly spread, most of them above it
  const h = new Float64Array(2048).fill(100);
  h.fill(1, 0, 256);
  h[255] = 60_000;
  t.ok(divergence(h, 256, 256) < divergence(h, 2048, 256), 'the divergence alone would clip them');
  t.ok(searchThreshold(h, 256) > 2000, `${searchThreshold(h, 256)}`);
});
