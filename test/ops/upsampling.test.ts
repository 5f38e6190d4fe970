/** Nearest and bilinear resizing, reflection and constant padding. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { padConstant, padReflect2d, upsampleBilinear2d, upsampleNearest2d } from '../../src/ops/index.js';
import { drawing, fails, gradOf, onesLike } from './helpers.js';

function row(values: number[]): Tensor {
  return tensor([[values.map((v) => [v])]], { dtype: 'float64', requiresGrad: true });
}

t.test('nearest repeats pixels, and gives them the sum of the gradients', (t) => {
  const x = row([1, 2, 3]);
  const y = upsampleNearest2d(x, { scale: [1, 2] });
  t.same([...y.data], [1, 1, 2, 2, 3, 3]);
  y.backward(onesLike(y));
  t.same(gradOf(x), [2, 2, 2]);
  t.same([...upsampleNearest2d(x, { size: [1, 2] }).data], [1, 2]);
  t.same(upsampleNearest2d(x, { scale: 2.5 }).shape, [1, 2, 7, 1]);
  t.end();
});

t.test('nearest is exact: the float32 ratio 2 / 82 would put pixel 41 into the first half', (t) => {
  t.equal(Math.floor(Math.fround(41 * Math.fround(2 / 82))), 0);
  const y = upsampleNearest2d(row([0, 1]), { size: [1, 82] });
  t.same(
    [...y.data],
    Array.from({ length: 82 }, (_, i) => (i < 41 ? 0 : 1)),
  );
  t.end();
});

t.test('bilinear, by pixel centres and by corners', (t) => {
  const x = row([0, 4]);
  t.same([...upsampleBilinear2d(x, { size: [1, 4] }).data], [0, 1, 3, 4]);
  t.same([...upsampleBilinear2d(x, { size: [1, 5], alignCorners: true }).data], [0, 1, 2, 3, 4]);
  t.same([...upsampleBilinear2d(x, { size: [1, 1] }).data], [2]);
  t.same([...upsampleBilinear2d(x, { size: [1, 1], alignCorners: true }).data], [0]);
  t.end();
});

t.test('resizing to the same size changes nothing', (t) => {
  const x = drawing('resize')([2, 3, 4, 2]);
  for (const alignCorners of [true, false])
    t.same(upsampleBilinear2d(x, { scale: 1, alignCorners }).data, x.data);
  t.same(upsampleNearest2d(x, { scale: 1 }).data, x.data);
  t.end();
});

t.test('padReflect2d mirrors without repeating the border', (t) => {
  const x = tensor(
    [
      [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
    ],
    { requiresGrad: true },
  );
  const y = padReflect2d(x, [1, 0, 2, 1]);
  t.same(y.shape, [1, 3, 6, 1]);
  t.same([...y.data], [6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5]);
  y.backward(onesLike(y));
  t.same(gradOf(x), [1, 3, 2, 2, 6, 4]);
  t.end();
});

t.test('padConstant takes any rank and type', (t) => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  t.same(
    padConstant(
      x,
      [
        [1, 0],
        [0, 2],
      ],
      9,
    ).toArray(),
    [
      [9, 9, 9, 9],
      [1, 2, 9, 9],
      [3, 4, 9, 9],
    ],
  );
  const codes = tensor(Int8Array.of(5), { shape: [1] });
  const padded = padConstant(codes, [[1, 1]], -3);
  t.equal(padded.dtype, 'int8');
  t.same([...padded.data], [-3, 5, -3]);
  t.same(
    padConstant(
      zeros([0, 2]),
      [
        [1, 0],
        [0, 0],
      ],
      7,
    ).toArray(),
    [[7, 7]],
  );
  t.end();
});

t.test('long rows are copied whole', (t) => {
  const x = drawing('pad')([2, 3, 200]);
  const y = padConstant(x, [
    [0, 0],
    [1, 1],
    [3, 4],
  ]);
  t.same(y.data.subarray(207 + 3, 207 + 203), x.data.subarray(0, 200));
  t.equal(y.data[207 + 2], 0);
  y.backward(onesLike(y));
  t.same(
    gradOf(x),
    Array.from({ length: x.size }, () => 1),
  );
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([1, 3, 3, 2]);
  for (const upsample of [upsampleNearest2d, upsampleBilinear2d])
    fails(t, [
      [() => upsample(zeros([3, 3]), { size: 2 }), ShapeError, /^x/],
      [() => upsample(zeros([3, 3]), { scale: 2 }), ShapeError, /^x/],
      [() => upsample(zeros([1, 0, 3, 1]), { size: 2 }), ShapeError, /^x: .*empty/],
      [() => upsample(x, { size: 0 }), ArgumentError, /^size: 0/],
      [() => upsample(x, { scale: -1 }), ArgumentError, /^scale/],
      [() => upsample(x, { scale: 0.1 }), ArgumentError, /^size: 0/],
      [() => upsample(tensor(new Int8Array(4), { shape: [1, 2, 2, 1] }), { size: 2 }), DTypeError, /^x/],
    ]);
  fails(t, [
    [() => padReflect2d(zeros([3, 3]), [1, 1, 1, 1]), ShapeError, /^x/],
    [() => padReflect2d(x, [3, 0, 0, 0]), ShapeError, /^padding.*3 x 3/],
    [() => padReflect2d(x, [0, 0, 0, -1]), ArgumentError, /^padding/],
    [() => padConstant(x, [[1, 1]]), ShapeError, /^pads/],
    [() => padConstant(zeros([2]), [[-1, 0]]), ArgumentError, /^pads/],
  ]);
  t.end();
});
