/** Batch, layer and group normalisation: statistics, running averages, precision, parameters, bad input. */
import t from 'tap';
import { ArgumentError, DTypeError, NDArray, ShapeError } from '../../src/core/index.js';
import { Tensor, tensor, zeros } from '../../src/autograd/index.js';
import { batchNorm, groupNorm, layerNorm } from '../../src/ops/index.js';
import { distance, drawing, fails, gradOf, onesLike } from './helpers.js';

const draw = drawing('norms');

function running(channels: number): { runningMean: NDArray; runningVar: NDArray } {
  return {
    runningMean: NDArray.zeros([channels], 'float64'),
    runningVar: NDArray.full([channels], 1, 'float64'),
  };
}

/** Mean and biased variance of the elements that `keep` lets through. */
function moments(x: Tensor, keep: (index: number) => boolean): { mean: number; variance: number } {
  const kept = Array.from(x.data).filter((_, i) => keep(i));
  const mean = kept.reduce((a, b) => a + b, 0) / kept.length;
  return { mean, variance: kept.reduce((a, b) => a + (b - mean) ** 2, 0) / kept.length };
}

t.test('batchNorm in training normalises each channel and moves the running statistics', (t) => {
  const x = draw([2, 3, 3, 3]);
  const weight = tensor(Float64Array.of(1, 2, -1));
  const bias = tensor(Float64Array.of(0, 0.5, 3));
  const stats = running(3);
  const y = batchNorm(x, weight, bias, { ...stats, training: true, momentum: 0.25, eps: 0 });
  for (let c = 0; c < 3; c++) {
    const out = moments(y, (i) => i % 3 === c);
    t.ok(Math.abs(out.mean - bias.data[c]) < 1e-12);
    t.ok(Math.abs(out.variance - weight.data[c] ** 2) < 1e-12);
    const { mean, variance } = moments(x, (i) => i % 3 === c);
    t.ok(Math.abs(stats.runningMean.data[c] - 0.25 * mean) < 1e-12);
    t.ok(Math.abs(stats.runningVar.data[c] - (0.75 + (0.25 * variance * 18) / 17)) < 1e-12, 'unbiased');
  }
  t.end();
});

t.test('batchNorm in evaluation uses the running statistics and leaves them alone', (t) => {
  const stats = { runningMean: tensor([2]).value, runningVar: tensor([4]).value };
  const x = tensor([[4], [6]], { requiresGrad: true });
  const y = batchNorm(x, tensor([3]), tensor([1]), { ...stats, training: false, eps: 0 });
  t.same([...y.data], [4, 7]);
  t.same([...stats.runningMean.data, ...stats.runningVar.data], [2, 4]);
  stats.runningVar.data[0] = 100; // what a later training step might do
  y.backward(onesLike(y));
  t.same(gradOf(x), [1.5, 1.5], 'the gradient belongs to the statistics of the forward pass');
  t.end();
});

t.test('a mean far from 0 does not cancel', (t) => {
  const near = draw([8, 5, 2]);
  const far = new Tensor(near.value.clone());
  for (let i = 0; i < far.size; i++) far.data[i] += 2 ** 20;
  for (let i = 0; i < far.size; i++) near.data[i] = far.data[i] - 2 ** 20;
  const one = tensor(Float64Array.of(1, 1));
  const zero = tensor(Float64Array.of(0, 0));
  const norm = (x: Tensor): Tensor => batchNorm(x, one, zero, { ...running(2), training: true });
  t.ok(distance(norm(near).data, norm(far).data) < 1e-9);
  const group = (x: Tensor): Tensor => groupNorm(x, { groups: 1 });
  t.ok(distance(group(near).data, group(far).data) < 1e-9);
  const layer = (x: Tensor): Tensor => layerNorm(x, { normalizedShape: 2, eps: 1e-2 });
  t.ok(distance(layer(near).data, layer(far).data) < 1e-8);
  t.end();
});

t.test('a constant channel yields the bias, not NaN', (t) => {
  const x = tensor([[0.1], [0.1], [0.1]]);
  const y = batchNorm(x, tensor([1]), tensor([2]), { ...running(1), training: true });
  t.same([...y.data], [2, 2, 2]);
  t.end();
});

t.test('only the gradients that are needed', (t) => {
  const x = draw([4, 2]);
  const weight = draw([2]);
  const stats = running(2);
  const y = batchNorm(x.detach(), weight, tensor(new Float64Array(2)), { ...stats, training: false });
  y.backward(onesLike(y));
  t.equal(x.grad, null);
  t.equal(gradOf(weight).length, 2);
  t.end();
});

t.test('layerNorm normalises each row, groupNorm each group of an image', (t) => {
  const x = draw([3, 2, 4]);
  const rows = layerNorm(x, { normalizedShape: [4], eps: 0 });
  const { mean, variance } = moments(rows, (i) => Math.floor(i / 4) === 3);
  t.ok(Math.abs(mean) < 1e-12 && Math.abs(variance - 1) < 1e-12);

  const groups = groupNorm(x, { groups: 2, eps: 0 });
  const second = moments(groups, (i) => Math.floor(i / 8) === 1 && i % 4 >= 2);
  t.ok(Math.abs(second.mean) < 1e-12 && Math.abs(second.variance - 1) < 1e-12);

  const weight = draw([4]);
  const bias = draw([4]);
  const one = layerNorm(x, { normalizedShape: 4, weight, bias });
  const plain = layerNorm(x, { normalizedShape: 4 });
  const want = plain.data.map((v: number, i: number) => v * weight.data[i % 4] + bias.data[i % 4]);
  t.ok(distance(one.data, want) < 1e-12);
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([2, 3, 4], { dtype: 'float64' });
  const four = zeros([4], { dtype: 'float64' });
  const three = zeros([3], { dtype: 'float64' });
  const ok = { ...running(4), training: true };
  fails(t, [
    [() => batchNorm(four, four, four, ok), ShapeError, /^x/],
    [() => batchNorm(x, three, four, ok), ShapeError, /^weight/],
    [() => batchNorm(x, four, three, ok), ShapeError, /^bias/],
    [() => batchNorm(x, four, four, { ...ok, runningMean: three.value }), ShapeError, /^runningMean/],
    [() => batchNorm(x, four, four, { ...ok, runningVar: three.value }), ShapeError, /^runningVar/],
    [() => batchNorm(x, zeros([4]), four, ok), DTypeError, /^weight/],
    [
      () => batchNorm(zeros([1, 4], { dtype: 'float64' }), four, four, ok),
      ShapeError,
      /^x: .*at least 2 values/,
    ],
    [() => layerNorm(x, { normalizedShape: 3 }), ShapeError, /^normalizedShape/],
    [() => layerNorm(x, { normalizedShape: [] }), ShapeError, /^normalizedShape/],
    [() => layerNorm(x, { normalizedShape: 4, weight: three }), ShapeError, /^weight/],
    [() => layerNorm(x, { normalizedShape: 4, weight: four, bias: three }), ShapeError, /^bias/],
    [() => layerNorm(x, { normalizedShape: 4, bias: four }), ArgumentError, /^bias/],
    [() => groupNorm(four, { groups: 2 }), ShapeError, /^x/],
    [() => groupNorm(x, { groups: 3 }), ShapeError, /^groups: 3/],
    [() => groupNorm(x, { groups: 0 }), ArgumentError, /^groups: 0/],
    [() => groupNorm(x, { groups: 2, weight: three }), ShapeError, /^weight/],
    [() => groupNorm(x, { groups: 2, bias: four }), ArgumentError, /^bias/],
  ]);
  t.equal(ok.runningMean.data[0], 0, 'a refused call leaves the running statistics alone');
  t.end();
});
