import t from 'tap';
import { tensor, type Tensor } from '../../src/autograd/index.js';
import { ArgumentError, NDArray } from '../../src/core/index.js';
import { clipGradNorm, clipGradValue } from '../../src/optim/index.js';

function withGrad(...values: number[]): Tensor {
  const p = tensor(values, { requiresGrad: true });
  p.grad = new NDArray(Float32Array.from(values), [values.length]);
  return p;
}

t.test('the norm of all gradients together is limited', (t) => {
  const params = [withGrad(3), withGrad(0, 4), tensor([1], { requiresGrad: true })];
  t.equal(clipGradNorm(params, 10), 5);
  t.same([...params[1].grad!.data], [0, 4], 'below the limit nothing changes');
  t.equal(clipGradNorm(params, 1), 5);
  t.ok(Math.abs(params[0].grad!.data[0] - 0.6) < 1e-5);
  t.ok(Math.abs(params[1].grad!.data[1] - 0.8) < 1e-5);
  t.end();
});

t.test('other norms', (t) => {
  const params = [withGrad(3, -7), withGrad(2)];
  t.equal(clipGradNorm(params, 100, { normType: Infinity }), 7);
  t.equal(clipGradNorm(params, 100, { normType: 1 }), 12);
  t.ok(Math.abs(clipGradNorm(params, 100, { normType: 3 }) - Math.cbrt(27 + 343 + 8)) < 1e-9);
  t.end();
});

t.test('gradients that are not finite are reported, not spread', (t) => {
  const params = [withGrad(3), withGrad(NaN)];
  t.ok(Number.isNaN(clipGradNorm(params, 1)));
  t.equal(params[0].grad!.data[0], 3);
  t.end();
});

t.test('values are limited one by one', (t) => {
  const p = withGrad(-3, 0.5, 2);
  clipGradValue([p], 1);
  t.same([...p.grad!.data], [-1, 0.5, 1]);
  t.end();
});

t.test('limits must be positive', (t) => {
  t.throws(() => clipGradNorm([], 0), { name: 'ArgumentError', message: /maxNorm/ });
  t.throws(() => clipGradNorm([], 1, { normType: -1 }), { message: /normType/ });
  t.throws(() => clipGradValue([], NaN), ArgumentError);
  t.end();
});
