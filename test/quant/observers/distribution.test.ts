import t from 'tap';
import { BINS, Distribution, EXACT_VALUES } from '../../../src/quant/observers/distribution.js';
import { Random } from '../../../src/core/index.js';
import { exactQuantile, normals } from './help.js';

function add(d: Distribution, values: Float32Array): void {
  let min = Infinity;
  let max = -Infinity;
  for (const v of values) {
    min = Math.min(min, v);
    max = Math.max(max, v);
  }
  d.add(values, min, max);
}

/** A distribution of all values, observed in the given pieces. */
function of(...pieces: Float32Array[]): Distribution {
  const d = new Distribution();
  for (const p of pieces) add(d, p);
  return d;
}

function concat(...pieces: Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((p) => [...p]));
}

t.test('exact up to its capacity, then in bins', async (t) => {
  const d = of(normals(EXACT_VALUES, 'full'));
  t.ok(d.exact);
  t.equal(d.resolution, 0);
  add(d, Float32Array.of(0.5));
  t.notOk(d.exact);
  t.ok(d.resolution > 0 && d.resolution <= (d.max - d.min) / 8191);
  t.equal(d.count, EXACT_VALUES + 1);
});

t.test('memory is bounded', async (t) => {
  const d = new Distribution();
  for (let k = 0; k < 30; k++) {
    add(d, normals(10000, `batch ${k}`, 1.5 ** k));
    t.ok(d.held <= Math.max(EXACT_VALUES, BINS));
  }
  t.equal(d.count, 300000);
  const state = d.save() as { counts: number[] };
  t.equal(state.counts.length, BINS);
  t.equal(
    state.counts.reduce((a, b) => a + b, 0),
    300000,
    'no count is lost while the range grows by 1.5^30',
  );
});

t.test('the content does not depend on order or division into batches', async (t) => {
  // Ranges that grow, lie apart, and sit on one side of 0
  const pieces = [
    normals(20000, 'small', 0.01),
    normals(20000, 'large', 30),
    normals(20000, 'middle').map((v) => v + 5),
    Float32Array.of(-700.25),
    Float32Array.of(1e-30, -1e-30, 0, -0),
  ];
  const whole = of(concat(...pieces));
  const want = whole.save();
  t.strictSame(of(...pieces).save(), want);
  t.strictSame(of(...[...pieces].reverse()).save(), want);
  const order = new Random('order').permutation(whole.count);
  const all = concat(...pieces);
  const shuffled = Float32Array.from(order, (i) => all[i]);
  const d = new Distribution();
  for (let from = 0; from < shuffled.length; from += 7001) add(d, shuffled.subarray(from, from + 7001));
  t.strictSame(d.save(), want);
});

t.test('counts in bins are those of the values', async (t) => {
  const values = concat(normals(40000, 'x'), Float32Array.of(-20, 25));
  const d = of(values.subarray(0, 1000), values.subarray(1000));
  const { counts } = d.save() as { counts: number[] };
  const first = Math.floor(-20 / d.resolution);
  const want = new Array<number>(BINS).fill(0);
  for (const v of values) want[Math.floor(v / d.resolution) - first]++;
  t.strictSame(counts, want);
});

t.test('quantiles: exact, then within the resolution', async (t) => {
  const fractions = [0, 0.0001, 0.01, 0.25, 0.5, 0.9, 0.999, 1];
  for (const transform of [(v: number) => v, (v: number) => Math.max(v, 0), (v: number) => Math.exp(2 * v)]) {
    const values = normals(60000, 'q').map(transform);
    const few = values.subarray(0, 5000);
    t.strictSame(
      of(few).quantiles(fractions),
      fractions.map((p) => exactQuantile(few, p)),
    );
    const d = of(values.subarray(0, 20000), values.subarray(20000));
    d.quantiles(fractions).forEach((v, i) => {
      const error = Math.abs(v - exactQuantile(values, fractions[i]));
      t.ok(error <= d.resolution, `${fractions[i]}: ${error} <= ${d.resolution}`);
    });
  }
});

t.test('extreme ranges', async (t) => {
  const constant = of(new Float32Array(40000).fill(1.7));
  t.strictSame(constant.quantiles([0, 0.3, 1]), new Array(3).fill(Math.fround(1.7)));
  add(constant, Float32Array.of(3e38));
  t.equal(constant.quantiles([1])[0], Math.fround(3e38));
  const zeros = of(new Float32Array(40000));
  t.strictSame(zeros.quantiles([0, 1]), [0, 0]);
  add(zeros, Float32Array.of(1e-45, -1e-45));
  t.equal(zeros.count, 40002);
  t.equal(zeros.quantiles([0])[0], Math.fround(-1e-45));
  add(zeros, Float32Array.of(-3.4e38, 3.4e38));
  t.equal(zeros.quantiles([1])[0], Math.fround(3.4e38));
});

t.test('the histogram from bins is that of the values, up to one fine bin', async (t) => {
  const values = normals(50000, 'h');
  const d = of(values);
  const got = d.histogram(256);
  const want = new Float64Array(256);
  for (const v of values) want[Math.min(Math.floor(((v - d.min) / (d.max - d.min)) * 256), 255)]++;
  t.ok(Math.abs(got.reduce((a, b) => a + b, 0) - 50000) < 1e-6, 'nothing is lost');
  let [a, b, worst] = [0, 0, 0];
  for (let i = 0; i < 256; i++) {
    a += got[i];
    b += want[i];
    worst = Math.max(worst, Math.abs(a - b));
  }
  // A fine bin at the peak of the density holds at most this many values
  t.ok(worst <= Math.max(...(d.save() as { counts: number[] }).counts), `${worst}`);
});
