import t from 'tap';
import { add, mul, square, sum } from '../../src/ops/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { ArgumentError, NDArray, Random } from '../../src/core/index.js';
import { Adam, AdamW, RMSprop, SGD, type Optimizer } from '../../src/optim/index.js';

const parameter = (...values: number[]): Tensor => tensor(values, { requiresGrad: true });

const KINDS: Record<string, (params: Tensor[]) => Optimizer<never>> = {
  sgd: (p) => new SGD(p, { lr: 0.02, momentum: 0.9, nesterov: true }) as never,
  adam: (p) => new Adam(p, { lr: 0.1, amsgrad: true }) as never,
  adamw: (p) => new AdamW(p, { lr: 0.1, weightDecay: 0 }) as never,
  rmsprop: (p) => new RMSprop(p, { lr: 0.01, momentum: 0.9, centered: true }) as never,
};

/** (x - 3)^2 + 10 (y + 1)^2 */
function minimise(opt: Optimizer<never>, [x, y]: Tensor[], steps: number): void {
  for (let i = 0; i < steps; i++) {
    opt.zeroGrad();
    sum(add(square(add(x, -3)), mul(square(add(y, 1)), 10))).backward();
    opt.step();
  }
}

for (const [kind, make] of Object.entries(KINDS)) {
  t.test(`${kind} finds the minimum of a parabola`, (t) => {
    const params = [parameter(0), parameter(0)];
    minimise(make(params), params, 600);
    t.ok(Math.abs(params[0].data[0] - 3) < 0.02);
    t.ok(Math.abs(params[1].data[0] + 1) < 0.02);
    t.end();
  });

  t.test(`${kind} goes on from a saved state with the same bits`, (t) => {
    const straight = [parameter(0), parameter(0)];
    minimise(make(straight), straight, 30);

    const params = [parameter(0), parameter(0)];
    const first = make(params);
    minimise(first, params, 11);
    const state = first.state();
    const weights = params.map((p) => p.clone().data);
    minimise(first, params, 3); // must not change the saved state
    params.forEach((p, i) => p.data.set(weights[i]));
    const second = make(params);
    second.load({ ...state, ...(JSON.parse(JSON.stringify(state)) as object), arrays: state.arrays });
    minimise(second, params, 19);
    params.forEach((p, i) => t.same([...p.data], [...straight[i].data]));
    t.equal(second.kind, kind);
    t.end();
  });
}

t.test('groups have hyper-parameters of their own', (t) => {
  const [a, b] = [parameter(1), parameter(1)];
  const opt = new SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.1 });
  for (const p of [a, b]) p.grad = NDArray.full([1], 1, 'float32');
  opt.step();
  t.ok(Math.abs(a.data[0] - 0.9) < 1e-6);
  t.equal(b.data[0], 0.5);
  t.same(
    opt.groups.map((g) => g.momentum),
    [0, 0],
  );
  t.end();
});

t.test('a parameter without gradient keeps its value and its count of steps', (t) => {
  const [a, b] = [parameter(1), parameter(1)];
  const opt = new AdamW([a, b], { weightDecay: 0.5 });
  a.grad = NDArray.full([1], 1, 'float32');
  opt.step();
  t.equal(b.data[0], 1);
  t.same(opt.state().steps, [1, 0]);
  opt.zeroGrad();
  t.equal(a.grad, null);
  t.end();
});

t.test('arguments out of range are refused', (t) => {
  const p = parameter(1);
  t.throws(() => new SGD([], { lr: 0.1 }), { name: 'ArgumentError', message: /params/ });
  t.throws(() => new SGD([p, p], { lr: 0.1 }), { name: 'ArgumentError', message: /twice/ });
  t.throws(() => new SGD([p], { lr: -1 }), { name: 'ArgumentError', message: /lr: -1/ });
  t.throws(() => new SGD([p], { lr: NaN }), ArgumentError);
  t.throws(() => new SGD([p], { lr: 1, nesterov: true }), { message: /nesterov/ });
  t.throws(() => new Adam([p], { betas: [1, 0.9] }), { message: /betas\[0\]: 1/ });
  t.throws(() => new AdamW([p], { weightDecay: -1 }), { message: /weightDecay/ });
  t.throws(() => new RMSprop([p], { alpha: 2 }), { message: /alpha/ });
  t.throws(() => new SGD([square(p)], { lr: 1 }), { message: /computed tensor/ });
  t.throws(() => new SGD([tensor(new NDArray(Int32Array.of(1), [1]))], { lr: 1 }), {
    message: /int32 tensor/,
  });
  t.end();
});

t.test('a state of something else is refused and changes nothing', (t) => {
  const random = new Random(0);
  const params = [zeros([2], { requiresGrad: true })];
  params[0].grad = NDArray.full([2], random.next(), 'float32');
  const opt = new Adam(params);
  opt.step();
  const state = opt.state();
  t.throws(() => new AdamW(params).load(state), { name: 'ArgumentError', message: /saved by adam/ });
  t.throws(() => new Adam([parameter(1), parameter(2)]).load(state), { message: /1 parameters.* 2/ });
  const other = new Adam([parameter(1, 2, 3)], { lr: 7 });
  t.throws(() => other.load(state), { message: /array 0\.moment1/ });
  t.throws(() => other.load({ ...state, arrays: new Map(), groups: [{ lr: -3 }] }), { message: /lr: -3/ });
  t.equal(other.groups[0].lr, 7);
  t.same(other.state().steps, [0]);
  t.end();
});
