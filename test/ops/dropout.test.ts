/** Dropout: what it keeps, how it scales, where its randomness comes from. */
import t from 'tap';
import { ArgumentError, DTypeError, Random, setSeed, ShapeError } from '../../src/core/index.js';
import { ones, tensor } from '../../src/autograd/index.js';
import { dropout, dropoutWithMask, sum } from '../../src/ops/index.js';

t.test('training drops a share p, scales the rest, and the gradient with it', (t) => {
  const x = ones([20_000], { requiresGrad: true });
  const y = dropout(x, { p: 0.25, training: true, random: new Random(3) });
  const dropped = [...y.data].filter((v) => v === 0).length / y.size;
  t.ok(Math.abs(dropped - 0.25) < 0.01, `${dropped} dropped`);
  t.same([...new Set(y.data)].sort(), [0, Math.fround(1 / 0.75)]);
  sum(y).backward();
  t.same(x.grad?.data, y.data);
  t.end();
});

t.test('evaluation and p = 0 pass everything on, gradient included', (t) => {
  const x = tensor([1, -2], { requiresGrad: true });
  t.same(dropout(x, { p: 0.5, training: false }).data, x.data);
  const y = dropout(x, { p: 0, training: true });
  t.same(y.data, x.data);
  y.backward(tensor([3, 4]));
  t.same([...x.grad!.data], [3, 4]);
  t.end();
});

t.test('the default generator is used unless one is given', (t) => {
  const draw = (): number[] => {
    const restore = setSeed(11);
    const y = dropout(ones([50]), { p: 0.5, training: true });
    restore();
    return [...y.data];
  };
  t.same(draw(), draw());
  t.end();
});

t.test('refused inputs', (t) => {
  const x = ones([2]);
  const mask = tensor([1, 0], { dtype: 'uint8' });
  for (const p of [1, -0.1, NaN]) {
    t.throws(() => dropout(x, { p, training: true }), { constructor: ArgumentError, message: /^p: dropout/ });
    t.throws(() => dropoutWithMask(x, mask, { p }), {
      constructor: ArgumentError,
      message: /^p: dropoutWithMask/,
    });
  }
  t.throws(() => dropout(mask, { p: 0.5, training: true }), {
    constructor: DTypeError,
    message: /x: dropout/,
  });
  t.throws(() => dropoutWithMask(x, x, { p: 0.5 }), { constructor: DTypeError, message: /mask: .*uint8/ });
  t.throws(() => dropoutWithMask(ones([3]), mask, { p: 0.5 }), {
    constructor: ShapeError,
    message: /mask: .*\[2\]/,
  });
  t.end();
});
