/** Max, average and adaptive pooling: values, ties, NaN, padding, ceil mode, bad input. */
import t from 'tap';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  argAdaptiveMaxPool2d,
  argMaxPool2d,
  avgPool2d,
  maxPool2d,
} from '../../src/ops/index.js';
import { fails, gradOf, onesLike } from './helpers.js';

/** One image of one channel. */
function plane(rows: number[][]): Tensor {
  return tensor([rows.map((row) => row.map((v) => [v]))], { dtype: 'float64', requiresGrad: true });
}

t.test('maxPool2d takes the largest, each channel by itself', (t) => {
  const x = tensor([
    [
      [
        [1, 8],
        [2, 7],
      ],
      [
        [3, 6],
        [4, 5],
      ],
    ],
  ]);
  t.same(maxPool2d(x, { kernel: 2 }).toArray(), [[[[4, 8]]]]);
  t.same(argMaxPool2d(x, { kernel: 2 }).toArray(), [[[[3, 0]]]]);
  t.end();
});

t.test('a tie goes to the first element, with its gradient; padding never wins', (t) => {
  const x = plane([
    [-5, -5, -1],
    [-5, -5, -1],
  ]);
  const options = { kernel: 2, stride: 1, padding: [1, 0, 1, 0] as const };
  const y = maxPool2d(x, options);
  t.same([...y.data], [-5, -5, -1, -5, -5, -1]);
  const winners = argMaxPool2d(x, options);
  t.same([...winners.data], [0, 0, 2, 0, 0, 2]);
  t.equal(winners.dtype, 'int32');
  t.notOk(winners.requiresGrad);
  y.backward(onesLike(y));
  t.same(gradOf(x), [4, 0, 2, 0, 0, 0]);
  t.end();
});

t.test('NaN wins, with and without a gradient', (t) => {
  for (const requiresGrad of [true, false]) {
    const data = Float32Array.of(1, NaN, 3, 2);
    const x = tensor(data, { shape: [1, 2, 2, 1], requiresGrad });
    t.ok(Number.isNaN(maxPool2d(x, { kernel: 2 }).item()));
  }
  t.end();
});

t.test('overlapping windows add up their gradients', (t) => {
  const x = plane([[0, 9, 0]]);
  const y = maxPool2d(x, { kernel: [1, 2], stride: 1 });
  y.backward(tensor([[[[3], [4]]]]).value);
  t.same(gradOf(x), [0, 7, 0]);
  t.end();
});

t.test('ceilMode keeps a last window that starts inside', (t) => {
  const x = plane([[1, 2, 3, 4, 5]]);
  t.same([...maxPool2d(x, { kernel: [1, 2] }).data], [2, 4]);
  t.same([...maxPool2d(x, { kernel: [1, 2], ceilMode: true }).data], [2, 4, 5]);
  t.same([...avgPool2d(x, { kernel: [1, 2], ceilMode: true }).data], [1.5, 3.5, 5]);
  t.same(maxPool2d(x, { kernel: 1, stride: [1, 4], ceilMode: true }).shape, [1, 1, 2, 1]);
  t.end();
});

t.test('dilation spreads the taps', (t) => {
  const x = plane([[5, 1, 2, 3, 0]]);
  t.same([...maxPool2d(x, { kernel: [1, 2], stride: 1, dilation: [1, 3] }).data], [5, 1]);
  t.end();
});

t.test('avgPool2d counts padding or not', (t) => {
  const x = plane([
    [4, 8],
    [12, 16],
  ]);
  const options = { kernel: 2, stride: 2, padding: 1 };
  t.same([...avgPool2d(x, options).data], [1, 2, 3, 4]);
  t.same([...avgPool2d(x, { ...options, countIncludePad: false }).data], [4, 8, 12, 16]);
  const y = avgPool2d(x, options);
  y.backward(onesLike(y));
  t.same(gradOf(x), [0.25, 0.25, 0.25, 0.25]);
  t.end();
});

t.test('adaptive windows cover the image, overlapping where they must', (t) => {
  const x = plane([[1, 2, 3, 4, 5]]);
  t.same([...adaptiveAvgPool2d(x, 1).data], [3]);
  t.same([...adaptiveAvgPool2d(x, [1, 2]).data], [2, 4]);
  t.same([...adaptiveMaxPool2d(x, [1, 3]).data], [2, 4, 5]);
  t.same([...argAdaptiveMaxPool2d(x, [1, 3]).data], [1, 3, 4]);
  t.same([...adaptiveAvgPool2d(x, [2, 5]).data], [1, 2, 3, 4, 5, 1, 2, 3, 4, 5], 'more windows than pixels');
  t.end();
});

t.test('an empty batch stays empty', (t) => {
  const x = zeros([0, 4, 4, 2], { requiresGrad: true });
  const y = maxPool2d(x, { kernel: 2 });
  t.same(y.shape, [0, 2, 2, 2]);
  y.backward(onesLike(y));
  t.same(x.grad?.shape, x.shape);
  t.same(avgPool2d(x, { kernel: 2 }).shape, [0, 2, 2, 2]);
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([1, 4, 4, 2]);
  for (const pool of [maxPool2d, argMaxPool2d, avgPool2d]) {
    fails(t, [
      [() => pool(zeros([4, 4, 2]), { kernel: 2 }), ShapeError, /^x/],
      [() => pool(x, { kernel: 5 }), ShapeError, /^x: too small/],
      [() => pool(x, { kernel: 2, padding: 2 }), ShapeError, /^padding/],
      [() => pool(x, { kernel: 0 }), ArgumentError, /^kernel: 0/],
      [() => pool(x, { kernel: 2, stride: [1, 0] }), ArgumentError, /^stride: 0/],
      [() => pool(tensor(new Int32Array(4), { shape: [1, 2, 2, 1] }), { kernel: 2 }), DTypeError, /^x/],
    ]);
  }
  fails(t, [
    [() => maxPool2d(zeros([1, 3, 3, 1]), { kernel: 2, dilation: 4, padding: 1 }), ShapeError, /^padding/],
  ]);
  for (const pool of [adaptiveAvgPool2d, adaptiveMaxPool2d, argAdaptiveMaxPool2d]) {
    fails(t, [
      [() => pool(zeros([4, 4]), 1), ShapeError, /^x/],
      [() => pool(zeros([1, 0, 4, 2]), 1), ShapeError, /^x: .*empty/],
      [() => pool(x, 0), ArgumentError, /^outputSize: 0/],
    ]);
  }
  t.end();
});
