/** Sizes, strides, axes, broadcasting. */
import t from 'tap';
import {
  ArgumentError,
  broadcastShapes,
  broadcastStrides,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  sameShape,
  ShapeError,
  sizeOf,
  stridesOf,
} from '../../src/core/index.js';

t.test('sizes and strides', (t) => {
  t.equal(sizeOf([]), 1);
  t.equal(sizeOf([2, 0, 3]), 0);
  t.equal(sizeOf([2, 3, 4]), 24);
  t.same(stridesOf([2, 3, 4]), [12, 4, 1]);
  t.same(stridesOf([]), []);
  t.equal(formatShape([2, 3]), '[2, 3]');
  t.ok(sameShape([2, 3], [2, 3]));
  t.notOk(sameShape([2], [2, 1]));
  t.notOk(sameShape([2, 3], [3, 2]));
  t.end();
});

t.test('checkShape names the argument', (t) => {
  t.doesNotThrow(() => checkShape('kernel', [0, 3]));
  for (const bad of [[-1], [1.5], [NaN], [Infinity]])
    t.throws(() => checkShape('kernel', bad), { constructor: ShapeError, message: /^kernel: / });
  t.end();
});

t.test('axes', (t) => {
  t.equal(normalizeAxis(-1, 3), 2);
  t.equal(normalizeAxis(0, 3), 0);
  for (const bad of [3, -4, 0.5, NaN])
    t.throws(() => normalizeAxis(bad, 3, 'dim'), {
      constructor: ShapeError,
      message: /^dim: .*3 dimensions/,
    });
  t.throws(() => normalizeAxis(0, 0), ShapeError);
  t.same(normalizeAxes(null, 3), [0, 1, 2]);
  t.same(normalizeAxes(undefined, 0), []);
  t.same(normalizeAxes([-1, 0], 3), [0, 2], 'sorted');
  t.same(normalizeAxes([], 3), []);
  t.throws(() => normalizeAxes([0, -3], 3), { constructor: ArgumentError, message: /axes: \[0, -3\]/ });
  t.throws(() => normalizeAxes([3], 3), ShapeError);
  t.end();
});

t.test('broadcasting', (t) => {
  t.same(broadcastShapes([2, 1, 3], [4, 1]), [2, 4, 3]);
  t.same(broadcastShapes([], [2]), [2]);
  t.same(broadcastShapes([0], [1]), [0]);
  t.throws(() => broadcastShapes([0], [2]), ShapeError);
  t.throws(() => broadcastShapes([2], [3], 'mul'), {
    constructor: ShapeError,
    message: /^mul: shapes \[2\] and \[3\]/,
  });
  t.same(broadcastStrides([3, 1], [2, 3, 4]), [0, 1, 0]);
  t.same(broadcastStrides([2, 3], [2, 3]), [3, 1]);
  t.end();
});
