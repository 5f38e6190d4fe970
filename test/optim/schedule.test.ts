import t from 'tap';
import { ArgumentError } from '../../src/core/index.js';
import {
  constant,
  cosine,
  cosineRestarts,
  exponential,
  linearWarmup,
  oneCycle,
  ReduceOnPlateau,
  Schedule,
  sequence,
  stepDecay,
} from '../../src/optim/index.js';

const groups = (...lrs: number[]) => ({ groups: lrs.map((lr) => ({ lr, params: [] })) });

t.test('a schedule drives every group from its own base rate', (t) => {
  const optimizer = groups(1, 0.5);
  const schedule = new Schedule(optimizer, exponential({ gamma: 0.5 }));
  t.equal(schedule.lr, 1);
  schedule.step();
  t.same(
    optimizer.groups.map((g) => g.lr),
    [0.5, 0.25],
  );
  t.end();
});

t.test('a schedule goes on from its state', (t) => {
  const make = () => new Schedule(groups(0.1), cosine({ tMax: 10 }));
  const straight = make();
  const first = make();
  for (let i = 0; i < 4; i++) {
    first.step();
    straight.step();
  }
  const second = make();
  second.load(JSON.parse(JSON.stringify(first.state())) as never);
  t.equal(second.lr, straight.lr);
  second.step();
  straight.step();
  t.equal(second.lr, straight.lr);
  t.throws(() => new Schedule(groups(1, 2), constant()).load(first.state()), ArgumentError);
  t.end();
});

t.test('one cycle starts low, peaks at maxLr, ends lowest and stays there', (t) => {
  for (const anneal of ['cos', 'linear'] as const) {
    const rule = oneCycle({ maxLr: 1, totalSteps: 100, divFactor: 10, finalDivFactor: 10, anneal });
    const lrs = Array.from({ length: 110 }, (_, i) => rule(i, 123));
    t.ok(Math.abs(lrs[0] - 0.1) < 1e-12);
    t.equal(Math.max(...lrs), 1);
    t.equal(lrs.indexOf(1), 29);
    t.ok(Math.abs(lrs[99] - 0.01) < 1e-12);
    t.ok(Math.abs(lrs[109] - 0.01) < 1e-12);
  }
  t.end();
});

t.test('rules in sequence count their own steps', (t) => {
  const rule = sequence(
    linearWarmup({ startFactor: 0.5, totalIters: 2 }),
    2,
    stepDecay({ stepSize: 1, gamma: 0.1 }),
  );
  t.same(
    [0, 1, 2, 3].map((step) => rule(step, 1)),
    [0.5, 0.75, 1, 0.1],
  );
  t.end();
});

t.test('the rate falls when the metric stops improving, and the state can be resumed', (t) => {
  const optimizer = groups(1);
  const plateau = new ReduceOnPlateau(optimizer, {
    mode: 'max',
    factor: 0.5,
    patience: 1,
    thresholdMode: 'abs',
    minLr: 0.3,
  });
  t.same(plateau.state(), { best: null, bad: 0, cooling: 0 });
  plateau.step(0.8);
  plateau.step(0.8);
  const resumed = new ReduceOnPlateau(optimizer, {
    mode: 'max',
    factor: 0.5,
    patience: 1,
    thresholdMode: 'abs',
    minLr: 0.3,
  });
  resumed.load(JSON.parse(JSON.stringify(plateau.state())) as never);
  t.equal(optimizer.groups[0].lr, 1);
  resumed.step(0.7);
  t.equal(optimizer.groups[0].lr, 0.5);
  resumed.step(0.9);
  for (let i = 0; i < 6; i++) resumed.step(NaN);
  t.equal(optimizer.groups[0].lr, 0.3);
  t.end();
});

t.test('arguments out of range are refused', (t) => {
  t.throws(() => stepDecay({ stepSize: 0 }), { name: 'ArgumentError', message: /stepSize/ });
  t.throws(() => cosine({ tMax: 1.5 }), { message: /tMax/ });
  t.throws(() => cosineRestarts({ t0: 3, tMult: 0 }), { message: /tMult/ });
  t.throws(() => exponential({ gamma: 0 }), { message: /gamma/ });
  t.throws(() => linearWarmup({ totalIters: 0 }), { message: /totalIters/ });
  t.throws(() => oneCycle({ maxLr: 0, totalSteps: 10 }), { message: /maxLr/ });
  t.throws(() => oneCycle({ maxLr: 1, totalSteps: 10, pctStart: 1 }), { message: /pctStart/ });
  t.throws(() => sequence(constant(), 0, constant()), { message: /steps/ });
  t.throws(() => new ReduceOnPlateau(groups(1), { factor: 1 }), { message: /factor/ });
  t.end();
});
