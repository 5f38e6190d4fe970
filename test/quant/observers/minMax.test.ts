import t from 'tap';
import { ArgumentError } from '../../../src/core/index.js';
import { minMax, movingAverageMinMax } from '../../../src/quant/observers/index.js';
import { array, make, normals } from './help.js';

t.test('minMax: the range of the union, whatever the order and the batches', async (t) => {
  const values = normals(300, 'union');
  const ranges = [
    [0, 100, 300],
    [0, 300],
    [0, 1, 2, 299, 300],
  ].map((cuts) => {
    const o = make(minMax());
    for (let i = cuts.length - 2; i >= 0; i--) o.observe(array(values.subarray(cuts[i], cuts[i + 1])));
    return o.range();
  });
  t.equal(ranges[0].min[0], Math.min(...values));
  t.equal(ranges[0].max[0], Math.max(...values));
  t.strictSame(ranges[1], ranges[0]);
  t.strictSame(ranges[2], ranges[0]);
});

t.test('minMax: observing again only widens', async (t) => {
  const o = make(minMax());
  o.observe(array([-1, 1]));
  o.observe(array([0.5]));
  t.strictSame([o.range().min[0], o.range().max[0]], [-1, 1]);
  o.observe(array([5, -7]));
  t.strictSame([o.range().min[0], o.range().max[0]], [-7, 5]);
});

t.test('movingAverageMinMax: the first batch sets, later ones pull', async (t) => {
  const o = make(movingAverageMinMax({ averagingConstant: 0.25 }));
  o.observe(array([-4, 8]));
  t.strictSame([o.range().min[0], o.range().max[0]], [-4, 8]);
  o.observe(array([0, 4]));
  t.strictSame([o.range().min[0], o.range().max[0]], [-3, 7]);
  const latest = make(movingAverageMinMax({ averagingConstant: 1 }));
  latest.observe(array([-4, 8]));
  latest.observe(array([1, 2]));
  t.strictSame([latest.range().min[0], latest.range().max[0]], [1, 2]);
});

t.test('the size of the state does not depend on the number of values', async (t) => {
  for (const factory of [minMax(), movingAverageMinMax()]) {
    const o = make(factory);
    o.observe(array(new Float32Array(10).fill(1)));
    const before = JSON.stringify(o.state()).length;
    for (let i = 0; i < 5; i++) o.observe(array(new Float32Array(10000).fill(1)));
    t.equal(JSON.stringify(o.state()).length, before);
  }
});

t.test('bad input', async (t) => {
  for (const averagingConstant of [0, -0.1, 1.5, NaN])
    t.throws(() => movingAverageMinMax({ averagingConstant }), { message: /averagingConstant/ });
  t.throws(() => movingAverageMinMax({ averagingConstant: 2 }), ArgumentError);
});
