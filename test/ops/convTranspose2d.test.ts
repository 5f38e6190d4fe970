/** convTranspose2d: it is the adjoint of conv2d; output sizes; bad input. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { zeros, type Tensor } from '../../src/autograd/index.js';
import { conv2d, convTranspose2d } from '../../src/ops/index.js';
import { drawing, fails } from './helpers.js';

const draw = drawing('convTranspose2d');

function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.size; i++) sum += a.data[i] * b.data[i];
  return sum;
}

t.test('is the adjoint of conv2d: <conv(x), y> = <x, convTranspose(y)>', (t) => {
  const cases = [
    { x: [2, 6, 7, 2], w: [3, 3, 3, 2], options: {} },
    { x: [1, 7, 7, 2], w: [4, 3, 3, 2], options: { stride: 2, padding: 1 } },
    { x: [1, 8, 6, 4], w: [6, 2, 3, 2], options: { padding: [1, 0, 0, 1] as const, groups: 2 } },
    { x: [1, 8, 8, 1], w: [2, 2, 3, 1], options: { dilation: [3, 2] as const } },
  ];
  for (const { x, w, options } of cases) {
    const image = draw(x);
    const weight = draw(w);
    const forward = conv2d(image, weight, null, options);
    const other = draw(forward.shape);
    const back = convTranspose2d(other, weight, null, options);
    t.same(back.shape, x);
    t.ok(Math.abs(dot(forward, other) - dot(image, back)) < 1e-12, JSON.stringify(options));
  }
  t.end();
});

t.test('outputPadding adds rows and columns that only the bias reaches', (t) => {
  const x = draw([1, 2, 2, 1]);
  const w = draw([1, 2, 2, 3]);
  const b = draw([3]);
  const y = convTranspose2d(x, w, b, { stride: 2, outputPadding: [1, 0] });
  t.same(y.shape, [1, 5, 4, 3]);
  t.same(y.data.subarray(4 * 4 * 3), [...b.data, ...b.data, ...b.data, ...b.data]);
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([1, 3, 3, 4]);
  const w = zeros([4, 3, 3, 2]);
  fails(t, [
    [() => convTranspose2d(zeros([3, 3, 4]), w, null), ShapeError, /^x/],
    [() => convTranspose2d(x, zeros([4, 3, 3]), null), ShapeError, /^weight/],
    [() => convTranspose2d(x, zeros([3, 3, 3, 2]), null), ShapeError, /^weight: .*x has 4/],
    [() => convTranspose2d(x, zeros([4, 3, 0, 2]), null), ShapeError, /^weight: .*empty kernel/],
    [() => convTranspose2d(x, w, null, { groups: 3 }), ShapeError, /^groups: 3/],
    [() => convTranspose2d(x, w, zeros([4])), ShapeError, /^bias/],
    [() => convTranspose2d(x, w, null, { padding: 3 }), ShapeError, /^padding/],
    [() => convTranspose2d(x, w, null, { outputPadding: 1 }), ArgumentError, /^outputPadding: 1/],
    [() => convTranspose2d(x, zeros([4, 3, 3, 2], { dtype: 'float64' }), null), DTypeError, /^weight/],
  ]);
  t.end();
});
