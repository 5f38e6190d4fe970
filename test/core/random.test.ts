/** Seeded randomness: repeatable, resumable, of the right distribution. */
import t from 'tap';
import { ArgumentError, defaultRandom, Random, setSeed } from '../../src/core/index.js';

const draw = (r: Random, n = 5): number[] => Array.from({ length: n }, () => r.next());

t.test('a seed fixes the sequence', (t) => {
  t.same(draw(new Random(7)), draw(new Random(7)));
  t.same(draw(new Random('7')), draw(new Random(7)), 'a number is its text');
  t.notSame(draw(new Random(7)), draw(new Random(8)));
  t.end();
});

t.test('a state survives JSON and resumes', (t) => {
  const r = new Random(1);
  draw(r);
  const state = JSON.parse(JSON.stringify(r.state())) as object;
  const expected = draw(r);
  t.same(draw(Random.restore(state)), expected);
  r.normal();
  const mid = r.state();
  const [a, b] = [r.normal(), Random.restore(mid).normal()];
  t.equal(a, b, 'normal keeps no second value aside');
  t.end();
});

t.test('distributions', (t) => {
  const r = new Random(3);
  const n = 20_000;
  const u = draw(r, n);
  t.ok(u.every((v) => v >= 0 && v < 1));
  t.ok(Math.abs(u.reduce((s, v) => s + v, 0) / n - 0.5) < 0.01);
  const z = Array.from({ length: n }, () => r.normal());
  const mean = z.reduce((s, v) => s + v, 0) / n;
  const variance = z.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
  t.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05, `mean ${mean}, variance ${variance}`);
  t.ok(Array.from({ length: 1000 }, () => r.uniform(-2, 3)).every((v) => v >= -2 && v < 3));
  const counts = [0, 0, 0];
  for (let i = 0; i < 3000; i++) counts[r.int(3)]++;
  t.ok(
    counts.every((c) => Math.abs(c - 1000) < 120),
    counts.join(),
  );
  t.end();
});

t.test('permutation', (t) => {
  const p = new Random(5).permutation(100);
  t.same(
    [...p].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
  t.notSame(
    [...p],
    [...p].sort((a, b) => a - b),
  );
  t.same(new Random(5).permutation(0), new Int32Array(0));
  t.end();
});

t.test('int refuses what is not a whole number >= 1', (t) => {
  for (const n of [0, -1, 1.5, NaN])
    t.throws(() => new Random(0).int(n), { constructor: ArgumentError, message: /^n: / });
  t.end();
});

t.test('setSeed replaces the default generator until undone', (t) => {
  const before = defaultRandom();
  const restore = setSeed(9);
  t.not(defaultRandom(), before);
  t.same(draw(defaultRandom()), draw(new Random(9)));
  restore();
  t.equal(defaultRandom(), before);
  t.end();
});
