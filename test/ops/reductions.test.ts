/** Reductions against plain loops, ties and NaN, empty arrays, precision, refused inputs. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { full, tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { int32, leaf } from './sample.js';

/** The elements that fall together when `axes` go, in order. */
function groups(x: Tensor, axes: number[]): number[][] {
  const out = new Map<string, number[]>();
  x.data.forEach((v, i) => {
    const index: number[] = [];
    for (let k = x.rank - 1, rest = i; k >= 0; rest = Math.floor(rest / x.shape[k]), k--)
      index[k] = rest % x.shape[k];
    const key = index.filter((_, k) => !axes.includes(k)).join();
    out.set(key, [...(out.get(key) ?? []), v]);
  });
  return [...out.values()];
}

t.test('all sets of axes of three', (t) => {
  const x = leaf([2, 3, 4]).detach();
  for (let set = 0; set < 8; set++) {
    const axes = [0, 1, 2].filter((a) => (set & (1 << a)) !== 0);
    const expected = groups(x, axes);
    const check = (what: string, y: Tensor, f: (g: number[]) => number): void =>
      void t.ok(
        y.size === expected.length && expected.every((g, i) => Math.abs(y.data[i] - f(g)) < 1e-13),
        `${what} over [${axes.join()}]`,
      );
    const mean = (g: number[]): number => g.reduce((s, v) => s + v, 0) / g.length;
    check('sum', ops.sum(x, { axes }), (g) => g.reduce((s, v) => s + v, 0));
    check('mean', ops.mean(x, { axes }), mean);
    check('amax', ops.amax(x, { axes }), (g) => Math.max(...g));
    check('amin', ops.amin(x, { axes }), (g) => Math.min(...g));
    check('variance', ops.variance(x, { axes, unbiased: false }), (g) =>
      mean(g.map((v) => (v - mean(g)) ** 2)),
    );
    t.same(
      ops.sum(x, { axes, keepdim: true }).shape,
      x.shape.map((d, i) => (axes.includes(i) ? 1 : d)),
    );
  }
  t.same(ops.sum(x).shape, []);
  t.same(ops.sum(x, { axes: null, keepdim: true }).shape, [1, 1, 1]);
  t.end();
});

t.test('float32 sums do not drift', (t) => {
  const tenth = Math.fround(0.1);
  t.equal(ops.sum(full([1_000_000], 0.1)).item(), Math.fround(1e6 * tenth));
  t.equal(ops.mean(full([100_000, 3], 0.1), { axes: [0] }).data[1], tenth);
  t.end();
});

t.test('max, min, argmax, argmin', (t) => {
  const x = tensor([[3, 1, 3], [-1, -1, -2]], { requiresGrad: true }); // prettier-ignore
  const { values, indices } = ops.max(x, { axis: 1 });
  t.same(values.toArray(), [3, -1]);
  t.same(indices.data, Int32Array.of(0, 0), 'the first of equals');
  ops.sum(values).backward();
  t.same([...x.grad!.data], [1, 0, 0, 1, 0, 0], 'and the gradient goes there');
  t.notOk(indices.requiresGrad);
  t.same(ops.min(x, { axis: 0, keepdim: true }).values.toArray(), [[-1, -1, -2]]);
  t.same(ops.argmin(x, { axis: -1 }).toArray(), [1, 2]);
  t.same(ops.argmax(tensor([1, NaN, 5, NaN]), { axis: 0 }).item(), 1, 'NaN is the extremum');
  t.same(ops.min(tensor([1, NaN, 5]), { axis: 0 }).values.item(), NaN);
  t.same(ops.amax(tensor([1, NaN, 5])).item(), NaN);
  t.end();
});

t.test('amax shares its gradient between equals', (t) => {
  const x = tensor([[2, 2, 1], [0, 5, 2]], { requiresGrad: true }); // prettier-ignore
  ops.sum(ops.amax(x, { axes: [1] })).backward();
  t.same([...x.grad!.data], [0.5, 0.5, 0, 0, 1, 0]);
  t.end();
});

t.test('cumsum', (t) => {
  const x = tensor([[1, 2], [3, 4]]); // prettier-ignore
  t.same(ops.cumsum(x, { axis: 0 }).toArray(), [[1, 2], [4, 6]]); // prettier-ignore
  t.same(ops.cumsum(x, { axis: -1 }).toArray(), [[1, 3], [3, 7]]); // prettier-ignore
  t.end();
});

t.test('empty arrays', (t) => {
  const x = zeros([0, 3]);
  t.same(ops.sum(x, { axes: [0] }).toArray(), [0, 0, 0]);
  t.same(ops.sum(x, { axes: [1] }).shape, [0]);
  t.same(ops.mean(x).item(), NaN);
  t.throws(() => ops.amax(x), { constructor: ShapeError, message: /x: amax of shape \[0, 3\]/ });
  t.throws(() => ops.max(x, { axis: 0 }), { constructor: ShapeError, message: /x: max/ });
  t.throws(() => ops.argmin(x, { axis: 0 }), { constructor: ShapeError, message: /x: argmin/ });
  t.same(ops.amax(x, { axes: [1] }).shape, [0]);
  t.end();
});

t.test('refused inputs', (t) => {
  const x = zeros([2, 3]);
  for (const f of [ops.sum, ops.mean, ops.variance, ops.amax, ops.amin]) {
    t.throws(() => f(x, { axes: [2] }), { constructor: ShapeError, message: /axes: 2/ });
    t.throws(() => f(x, { axes: [1, -1] }), { constructor: ArgumentError, message: /axes: \[1, -1\]/ });
    t.throws(() => f(int32([1])), { constructor: DTypeError, message: /int32/ });
  }
  for (const f of [ops.max, ops.min, ops.argmax, ops.argmin, ops.cumsum]) {
    t.throws(() => f(x, { axis: -3 }), { constructor: ShapeError, message: /axis: -3/ });
    t.throws(() => f(int32([1]), { axis: 0 }), { constructor: DTypeError, message: /int32/ });
  }
  t.end();
});
