/** Matrix products against mathjs, on every backend; refused inputs. */
import t, { type Test } from 'tap';
import { matrix, multiply } from 'mathjs';
import { DTypeError, ShapeError } from '../../src/core/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { js, reference } from '../../kernels/index.js';
import { backend, linear, matmul, setBackend, sum, transpose } from '../../src/ops/index.js';
import { leaf } from './sample.js';

/** The product of two matrices, by mathjs. */
function product(a: Tensor, b: Tensor): number[] {
  const [left, right] = [a, b].map((x) => matrix(x.toArray() as number[][]));
  return (multiply(left, right).toArray() as number[][]).flat();
}

function close(t: Test, got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  t.equal(got.length, want.length, what);
  t.ok(
    Array.from(want).every((w, i) => Math.abs(got[i] - w) <= 1e-12 * Math.max(1, Math.abs(w))),
    what,
  );
}

for (const [name, list] of Object.entries({ js, reference }))
  t.test(`products and gradients on ${name}`, (t) => {
    const restore = setBackend(list);
    t.teardown(restore);
    for (const [m, k, n] of [
      [1, 1, 1],
      [3, 5, 2],
      [7, 1, 9],
      [17, 33, 19],
    ]) {
      // prettier-ignore
      const [a, b] = [leaf([m, k]), leaf([k, n])];
      const c = matmul(a, b);
      close(t, c.data, product(a, b), `${m}x${k} times ${k}x${n}`);
      const g = leaf([m, n]).detach();
      c.backward(g);
      close(t, a.grad!.data, product(g, transpose(b.detach())), 'gradient of a');
      close(t, b.grad!.data, product(transpose(a.detach()), g), 'gradient of b');
      close(t, linear(a, transpose(b)).data, c.data, 'linear is the product with the transpose');
    }
    t.end();
  });

t.test('setBackend is undone by what it returns', (t) => {
  const before = backend();
  const restore = setBackend(reference);
  t.equal(backend(), reference);
  restore();
  t.equal(backend(), before);
  t.end();
});

t.test('shapes', (t) => {
  const shape = (a: number[], b: number[]): readonly number[] => matmul(zeros(a), zeros(b)).shape;
  t.same(shape([3, 5], [5, 4]), [3, 4]);
  t.same(shape([2, 1, 3, 5], [4, 5, 2]), [2, 4, 3, 2]);
  t.same(shape([2, 3, 5], [5]), [2, 3]);
  t.same(shape([5], [2, 5, 3]), [2, 3]);
  t.same(shape([5], [5]), []);
  t.same(shape([0, 3, 5], [5, 4]), [0, 3, 4]);
  t.same(sum(matmul(zeros([2, 0]), zeros([0, 3]))).item(), 0, 'an empty sum is 0');
  t.end();
});

t.test('refused inputs', (t) => {
  const refuse = (a: number[], b: number[], message: RegExp): void =>
    void t.throws(() => matmul(zeros(a), zeros(b)), { constructor: ShapeError, message });
  refuse([2, 3], [2, 3], /matmul: shapes \[2, 3\] and \[2, 3\]/);
  refuse([2, 2, 3], [3, 3, 2], /batch axes/);
  refuse([], [2], /scalar/);
  refuse([3], [2], /3 elements/);
  t.throws(() => matmul(zeros([1, 1]), zeros([1, 1], { dtype: 'float64' })), DTypeError);
  t.throws(() => matmul(zeros([1, 1], { dtype: 'int8' }), zeros([1, 1])), {
    constructor: DTypeError,
    message: /a: matmul/,
  });
  const w = zeros([4, 3]);
  t.throws(() => linear(zeros([2, 4]), w), {
    constructor: ShapeError,
    message: /x: linear .*\[\.\.\., 3\].*\[2, 4\]/,
  });
  t.throws(() => linear(tensor(1), w), { constructor: ShapeError, message: /x: linear/ });
  t.throws(() => linear(zeros([2, 3]), zeros([3])), { constructor: ShapeError, message: /weight: linear/ });
  t.throws(() => linear(zeros([2, 3]), w, zeros([3])), {
    constructor: ShapeError,
    message: /bias: linear .*\[4\]/,
  });
  t.throws(() => linear(zeros([2, 3]), w, zeros([4], { dtype: 'float64' })), {
    constructor: DTypeError,
    message: /bias/,
  });
  t.end();
});
