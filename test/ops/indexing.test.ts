/** slice, select, cat, stack, gather, indexSelect, embedding. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { cat, embedding, gather, indexSelect, select, slice, stack } from '../../src/ops/index.js';
import { drawing, fails, gradOf, onesLike } from './helpers.js';

const count = (n: number): Tensor => tensor(Float64Array.from({ length: n }, (_, i) => i));
const index = (values: number[], shape = [values.length]): Tensor =>
  tensor(Int32Array.from(values), { shape });

t.test('slice has the meaning of Python', (t) => {
  const x = count(6);
  const of = (start: number | null, stop: number | null, step?: number | null): number[] => [
    ...slice(x, [[start, stop, step ?? null]]).data,
  ];
  t.same(of(1, 4), [1, 2, 3]);
  t.same(of(null, null, 2), [0, 2, 4]);
  t.same(of(-2, null), [4, 5]);
  t.same(of(-100, 100), [0, 1, 2, 3, 4, 5]);
  t.same(of(4, 1), []);
  t.same(of(null, null, -1), [5, 4, 3, 2, 1, 0]);
  t.same(of(4, 0, -2), [4, 2]);
  t.same(of(null, -3, -1), [5, 4]);
  t.same(of(100, -100, -4), [5, 1]);
  t.end();
});

t.test('slice keeps axes without a range and puts gradients where they came from', (t) => {
  const x = drawing('slice')([3, 4]);
  const y = slice(x, [[null, null, 2]]);
  t.same(y.shape, [2, 4]);
  t.same(y.data, [...x.data.subarray(0, 4), ...x.data.subarray(8)]);
  y.backward(onesLike(y));
  t.same(gradOf(x), [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
  t.end();
});

t.test('select drops the axis', (t) => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  t.same(select(x, 0, 1).toArray(), [4, 5, 6]);
  t.same(select(x, -1, -3).toArray(), [1, 4]);
  t.end();
});

t.test('cat and stack join any dtype; a tensor given twice gets both gradients', (t) => {
  const a = tensor([[1, 2]], { requiresGrad: true });
  const b = tensor([[3]]);
  t.same(cat([a, b, a], { axis: 1 }).toArray(), [[1, 2, 3, 1, 2]]);
  t.same(cat([a, a]).toArray(), [
    [1, 2],
    [1, 2],
  ]);
  t.same(stack([a, a], { axis: -1 }).toArray(), [
    [
      [1, 1],
      [2, 2],
    ],
  ]);
  t.same(stack([a, a]).shape, [2, 1, 2]);
  const y = cat([a, b, a], { axis: -1 });
  y.backward(tensor([[1, 2, 3, 4, 5]]).value);
  t.same(gradOf(a), [5, 7]);
  t.equal(cat([index([1]), index([2])]).dtype, 'int32');
  t.same(cat([zeros([0, 2]), zeros([3, 2])]).shape, [3, 2]);
  t.end();
});

t.test('gather, indexSelect and embedding pick by index', (t) => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  t.same(gather(x, index([2, 0, 1, 1], [2, 2]), { axis: 1 }).toArray(), [
    [3, 1],
    [5, 5],
  ]);
  t.same(gather(x, index([1, 0], [1, 2]), { axis: 0 }).toArray(), [[4, 2]]);
  t.same(indexSelect(x, index([2, 2, 0]), { axis: -1 }).toArray(), [
    [3, 3, 1],
    [6, 6, 4],
  ]);
  t.same(embedding(index([1, 0], [1, 2]), x).toArray(), [
    [
      [4, 5, 6],
      [1, 2, 3],
    ],
  ]);
  t.end();
});

t.test('repeated indices add up, the padding row gets nothing', (t) => {
  const table = tensor([[1], [2], [3]], { requiresGrad: true });
  const y = embedding(index([2, 0, 2, 1]), table, { paddingIdx: 1 });
  y.backward(onesLike(y));
  t.same(gradOf(table), [1, 0, 2]);
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([2, 3]);
  const i = index([0]);
  fails(t, [
    [
      () =>
        slice(x, [
          [0, 1],
          [0, 1],
          [0, 1],
        ]),
      ShapeError,
      /^ranges: .*3/,
    ],
    [() => slice(x, [[0, 1, 0]]), ArgumentError, /^ranges: .*step of 0/],
    [() => slice(x, [[0.5, 1]]), ArgumentError, /^ranges: .*0.5/],
    [() => select(x, 2, 0), ShapeError, /^axis/],
    [() => select(x, 1, 3), ShapeError, /^index: 3/],
    [() => select(x, 1, -4), ShapeError, /^index: -4/],
    [() => cat([]), ArgumentError, /^tensors/],
    [() => cat([x, zeros([2])]), ShapeError, /^tensors\[1\]/],
    [() => cat([x, zeros([2, 4])]), ShapeError, /^tensors\[1\]: .*axis 0 only/],
    [() => cat([x, zeros([2, 3], { dtype: 'float64' })]), DTypeError, /^tensors\[1\]/],
    [() => cat([x], { axis: 2 }), ShapeError, /^axis/],
    [() => stack([]), ArgumentError, /^tensors/],
    [() => stack([x, zeros([2, 4])]), ShapeError, /^tensors\[1\]/],
    [() => stack([x, zeros([2, 3], { dtype: 'float64' })]), DTypeError, /^tensors\[1\]/],
    [() => stack([x], { axis: 3 }), ShapeError, /^axis/],
    [() => gather(x, i, { axis: 0 }), ShapeError, /^index/],
    [() => gather(x, index([0, 0, 0], [3, 1]), { axis: 1 }), ShapeError, /^index/],
    [() => gather(x, zeros([1, 1]), { axis: 0 }), DTypeError, /^index/],
    [() => gather(x, index([2], [1, 1]), { axis: 0 }), ArgumentError, /^index: .*2.*0 \.\. 1/],
    [() => indexSelect(x, index([0], [1, 1]), { axis: 0 }), ShapeError, /^index/],
    [() => indexSelect(x, zeros([1]), { axis: 0 }), DTypeError, /^index/],
    [() => indexSelect(x, index([-1]), { axis: 0 }), ArgumentError, /^index: .*-1/],
    [() => embedding(zeros([1]), x), DTypeError, /^indices/],
    [() => embedding(i, zeros([2])), ShapeError, /^weight/],
    [() => embedding(i, index([0], [1, 1])), DTypeError, /^weight/],
    [() => embedding(index([0, 2]), x), ArgumentError, /^indices: .*2 at position 1/],
    [() => embedding(i, x, { paddingIdx: 2 }), ArgumentError, /^paddingIdx: 2/],
  ]);
  t.end();
});
