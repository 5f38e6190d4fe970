/** Tensors print as PyTorch prints them; only the notes at the end are spelled our way. */
import t from 'tap';
import { inspect } from 'node:util';
import { NDArray, sizeOf } from '../../src/core/index.js';
import { full, tensor, Tensor, zeros } from '../../src/autograd/index.js';

function range(shape: number[], step = 1): Tensor {
  return tensor(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => i * step),
    { shape },
  );
}
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

t.test('scalars', (t) => {
  t.equal(String(tensor(3)), 'tensor(3.)');
  t.equal(String(tensor(-0.5)), 'tensor(-0.5000)');
  t.equal(String(tensor(1e-5)), 'tensor(1.0000e-05)');
  t.equal(String(tensor(1e10)), 'tensor(1.0000e+10)');
  t.equal(String(tensor(nan)), 'tensor(nan)');
  t.equal(String(tensor(7, { dtype: 'int32' })), 'tensor(7, dtype=int32)');
  t.end();
});

t.test('vectors choose one format', (t) => {
  t.equal(String(tensor([1, 2, 3])), 'tensor([1., 2., 3.])');
  t.equal(String(tensor([1, 2.5, -10])), 'tensor([  1.0000,   2.5000, -10.0000])');
  t.equal(String(tensor([0, 0])), 'tensor([0., 0.])');
  t.equal(String(tensor([0.001, 1])), 'tensor([0.0010, 1.0000])');
  t.equal(String(tensor([0.0009, 1])), 'tensor([9.0000e-04, 1.0000e+00])', 'a ratio above 1000');
  t.equal(String(tensor([0, 0.00001])), 'tensor([0.0000e+00, 1.0000e-05])');
  t.equal(String(tensor([1, 1000])), 'tensor([   1., 1000.])');
  t.equal(String(tensor([1, 1001])), 'tensor([1.0000e+00, 1.0010e+03])');
  t.equal(String(tensor([inf, -inf, nan, 1])), 'tensor([inf, -inf, nan, 1.])');
  t.equal(String(tensor([nan, 1.5])), 'tensor([   nan, 1.5000])');
  t.equal(String(tensor([-1, 20, 300], { dtype: 'int32' })), 'tensor([ -1,  20, 300], dtype=int32)');
  t.end();
});

t.test('matrices and blocks', (t) => {
  t.equal(
    String(tensor([[1, -2], [3, 4]])), // prettier-ignore
    'tensor([[ 1., -2.],\n        [ 3.,  4.]])',
  );
  t.equal(
    String(range([2, 2, 2], 0.5)),
    `tensor([[[0.0000, 0.5000],
         [1.0000, 1.5000]],

        [[2.0000, 2.5000],
         [3.0000, 3.5000]]])`,
  );
  t.equal(
    String(zeros([1, 2, 1, 1])),
    `tensor([[[[0.]],

         [[0.]]]])`,
  );
  t.end();
});

t.test('long rows are broken at 80 columns', (t) => {
  t.equal(
    String(range([30])),
    `tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,
        28., 29.])`,
  );
  t.end();
});

t.test('more than 1000 elements are cut', (t) => {
  t.equal(
    String(new Tensor(range([1001]).value.astype('int32'))),
    'tensor([   0,    1,    2,  ...,  998,  999, 1000], dtype=int32)',
  );
  t.notMatch(String(new Tensor(range([1000]).value.astype('int32'))), /\.\.\./);
  t.equal(
    String(full([40, 40], 1)),
    `tensor([[1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        ...,
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.],
        [1., 1., 1.,  ..., 1., 1., 1.]])`,
  );
  t.equal(
    String(full([7, 2, 100], 0.5))
      .split('\n')
      .slice(0, 8)
      .join('\n'),
    `tensor([[[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
         [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]],

        [[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
         [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]],

        [[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],
         [0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000]],`,
  );
  const hidden = NDArray.zeros([2000], 'float32');
  hidden.data[1000] = 1e-7;
  t.equal(
    String(new Tensor(hidden)),
    'tensor([0., 0., 0.,  ..., 0., 0., 0.])',
    'what is not shown has no say',
  );
  t.end();
});

t.test('notes', (t) => {
  t.equal(String(zeros([0])), 'tensor([])');
  t.equal(String(zeros([2, 0], { dtype: 'int8' })), 'tensor([], size=[2, 0], dtype=int8)');
  t.equal(
    String(tensor([1], { dtype: 'float64', requiresGrad: true })),
    'tensor([1.], dtype=float64, requiresGrad=true)',
  );
  t.match(
    String(tensor(new Float32Array(14).fill(22), { requiresGrad: true })),
    /22\.\],\n {7}requiresGrad=true\)$/,
    'a note that does not fit goes to the next line',
  );
  t.equal(inspect(tensor([1])), 'tensor([1.])', 'as console.log shows it');
  t.end();
});
