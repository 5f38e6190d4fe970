import t from 'tap';
import { ArgumentError } from '../../../src/core/index.js';
import { percentile } from '../../../src/quant/observers/index.js';
import { array, exactQuantile, make, normals } from './help.js';

t.test('clips outliers', async (t) => {
  const values = normals(10000, 'outliers');
  values[17] = 500;
  values[18] = -400;
  const o = make(percentile({ lower: 0.1, upper: 99.9 }));
  o.observe(array(values));
  t.equal(o.range().min[0], exactQuantile(values, 0.1 / 100));
  t.equal(o.range().max[0], exactQuantile(values, 99.9 / 100));
  t.ok(o.range().max[0] < 5);
});

t.test('many batches: within the documented error, in bounded memory, in any order', async (t) => {
  const batches = Array.from({ length: 12 }, (_, k) => normals(8000, `batch ${k}`, 1 + k / 4));
  const forwards = make(percentile({ lower: 1, upper: 99 }));
  const backwards = make(percentile({ lower: 1, upper: 99 }));
  const sizes: number[] = [];
  for (const b of batches) {
    forwards.observe(array(b));
    sizes.push(JSON.stringify(forwards.state()).length);
  }
  for (const b of [...batches].reverse()) backwards.observe(array(b));
  const all = Float32Array.from(batches.flatMap((b) => [...b]));
  const width = Math.max(...all.map(Math.abs)) * 2;
  const { min, max } = forwards.range();
  t.ok(Math.abs(min[0] - exactQuantile(all, 0.01)) <= width / 8191);
  t.ok(Math.abs(max[0] - exactQuantile(all, 0.99)) <= width / 8191);
  t.strictSame(backwards.range(), forwards.range());
  t.ok(
    sizes.at(-1)! < sizes[3],
    `the state shrinks when it turns to counts and stays small: ${sizes.join(' ')}`,
  );
});

t.test('bad input', async (t) => {
  for (const [lower, upper] of [
    [-1, 99],
    [0, 101],
    [50, 50],
    [99, 1],
    [NaN, 99],
  ])
    t.throws(() => percentile({ lower, upper }), ArgumentError);
});
