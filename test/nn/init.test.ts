import t from 'tap';
import { zeros } from '../../src/autograd/index.js';
import { ArgumentError, Random, ShapeError } from '../../src/core/index.js';
import { init } from '../../src/nn/index.js';

function moments(data: ArrayLike<number>): { mean: number; std: number; top: number } {
  const a = Array.from(data);
  const mean = a.reduce((x, y) => x + y, 0) / a.length;
  const std = Math.sqrt(a.reduce((x, y) => x + (y - mean) ** 2, 0) / a.length);
  return { mean, std, top: Math.max(...a.map(Math.abs)) };
}

const SHAPE = [40, 3, 3, 20];

t.test('fans count the receptive field', (t) => {
  t.same(init.fansOf(SHAPE), { fanIn: 180, fanOut: 360 });
  t.throws(() => init.fansOf([3]), ShapeError);
  t.end();
});

t.test('uniform initialisers fill the range up to their bound', (t) => {
  for (const [fill, bound] of [
    [init.kaimingUniform, init.kaimingBound(SHAPE)],
    [init.xavierUniform, init.xavierBound(SHAPE)],
  ] as const) {
    const { mean, std, top } = moments(fill(zeros(SHAPE), { random: new Random(3) }).data);
    t.ok(top <= bound * (1 + 1e-6) && top > 0.99 * bound);
    t.ok(Math.abs(mean) < 0.03 * bound);
    t.ok(Math.abs(std - bound / Math.sqrt(3)) < 0.02 * bound);
  }
  t.end();
});

t.test('normal initialisers have their deviation', (t) => {
  for (const [fill, want] of [
    [init.kaimingNormal, init.kaimingStd(SHAPE)],
    [init.xavierNormal, init.xavierStd(SHAPE)],
  ] as const) {
    const { mean, std } = moments(fill(zeros(SHAPE), { random: new Random(3) }).data);
    t.ok(Math.abs(mean) < 0.05 * want);
    t.ok(Math.abs(std - want) < 0.03 * want);
  }
  t.end();
});

t.test('mode and gain scale the bound', (t) => {
  t.equal(init.kaimingStd(SHAPE, { gain: 1, mode: 'fanOut' }), 1 / Math.sqrt(360));
  t.equal(init.gainOf('leakyRelu', 0), Math.SQRT2);
  t.equal(init.gainOf('selu'), 0.75);
  t.throws(() => init.gainOf('swish' as never), ArgumentError);
  t.end();
});

t.test('the same seed gives the same weights', (t) => {
  const draw = (seed: number) => [...init.kaimingNormal(zeros([4, 5]), { random: new Random(seed) }).data];
  t.same(draw(1), draw(1));
  t.notSame(draw(1), draw(2));
  t.end();
});
