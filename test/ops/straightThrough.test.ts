import t from 'tap';
import { tensor } from '../../src/autograd/index.js';
import { DTypeError, NDArray, ShapeError } from '../../src/core/index.js';
import { straightThrough } from '../../src/ops/straightThrough.js';

t.test('the value is the given one, the gradient passes where the mask is 1', async (t) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const x = tensor([1, 2, 3], { dtype, requiresGrad: true });
    const value = tensor([7, 8, 9], { dtype }).value;
    const y = straightThrough(x, value, Uint8Array.of(1, 0, 1));
    t.equal(y.value, value, 'not copied');
    const dy = tensor([10, 20, 30], { dtype });
    y.backward(dy);
    t.strictSame([...x.grad!.data], [10, 0, 30]);
    t.strictSame([...dy.data], [10, 20, 30], 'the arriving gradient is left alone');
  }
});

t.test('bad input', async (t) => {
  const x = tensor([1, 2]);
  const mask = new Uint8Array(2);
  t.throws(() => straightThrough(x, NDArray.zeros([3], 'float32'), mask), ShapeError);
  t.throws(() => straightThrough(x, NDArray.zeros([2], 'float64'), mask), DTypeError);
  t.throws(() => straightThrough(x, NDArray.zeros([2], 'float32'), new Uint8Array(1)), {
    message: /mask has 1 elements/,
  });
});
