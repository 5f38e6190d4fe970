/** Typed arrays with a shape, and nested plain arrays. */
import t from 'tap';
import { flattenNested, isFloatArray, NDArray, ShapeError, toNested } from '../../src/core/index.js';

t.test('construction', (t) => {
  const data = Float32Array.of(1, 2, 3, 4);
  const a = new NDArray<'float32'>(data, [2, 2]);
  t.equal(a.data, data, 'wraps');
  t.equal(a.dtype, 'float32');
  t.equal(a.size, 4);
  t.equal(a.rank, 2);
  t.equal(new NDArray(Int8Array.of(7), []).rank, 0);
  t.throws(() => new NDArray(data, [3]), {
    constructor: ShapeError,
    message: /^data: 4 elements .*\[3\], which has 3/,
  });
  t.throws(() => new NDArray(data, [-2, -2]), { constructor: ShapeError, message: /^shape: / });
  t.end();
});

t.test('zeros, full, like', (t) => {
  t.same(NDArray.zeros([2], 'int32').data, Int32Array.of(0, 0));
  t.same(NDArray.full([2], -3, 'int8').data, Int8Array.of(-3, -3));
  const a = NDArray.full([2, 1], 5, 'float64');
  t.same(NDArray.like(a).data, Float64Array.of(0, 0));
  t.same(NDArray.like(a).shape, [2, 1]);
  t.equal(NDArray.like(a, 'uint8').dtype, 'uint8');
  t.throws(() => NDArray.zeros([1, -1], 'int8'), ShapeError);
  t.end();
});

t.test('clone copies, reshape shares, astype converts', (t) => {
  const a = new NDArray<'float32'>(Float32Array.of(1.75, -1.75, 300), [3]);
  const c = a.clone();
  c.data[0] = 9;
  t.equal(a.data[0], 1.75);
  const r = a.reshape([1, 3]);
  t.equal(r.data, a.data);
  t.throws(() => a.reshape([2]), ShapeError);
  t.same(a.astype('int32').data, Int32Array.of(1, -1, 300), 'truncates');
  t.same(a.astype('uint8').data, Uint8Array.of(1, 255, 44), 'and wraps');
  t.ok(isFloatArray(a));
  t.notOk(isFloatArray(a.astype('int8')));
  t.end();
});

t.test('nested arrays', (t) => {
  t.same(flattenNested([[1, 2, 3], [4, 5, 6]]), { values: [1, 2, 3, 4, 5, 6], shape: [2, 3] }); // prettier-ignore
  t.same(flattenNested(5), { values: [5], shape: [] });
  t.same(flattenNested([[], []]), { values: [], shape: [2, 0] });
  t.same(flattenNested([]), { values: [], shape: [0] });
  for (const ragged of [
    [[1], [2, 3]],
    [1, [2]],
    [[1], 2],
    [[[1]], [2]],
  ])
    // prettier-ignore
    t.throws(() => flattenNested(ragged), { constructor: ShapeError, message: /^data: .*ragged/ });
  const nested = [[[1, 2]], [[3, 4]]];
  const { values, shape } = flattenNested(nested);
  t.same(toNested(Float32Array.from(values), shape), nested);
  t.equal(toNested(Float32Array.of(8), []), 8);
  t.end();
});
