/** conv2d: definition, options, skipped gradients, bad input. */
import t from 'tap';
import { ArgumentError, DTypeError, NDArray, ShapeError } from '../../src/core/index.js';
import { tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { backend, conv2d, setBackend } from '../../src/ops/index.js';
import { drawing, fails } from './helpers.js';
import type { Backend, Kernel, OpName } from '../../kernels/index.js';
import { withTraining } from '../../kernels/training.js';

const draw = drawing('conv2d');

/** One output element straight from the definition. */
function element(
  x: Tensor,
  w: Tensor,
  [n, i, j, o]: number[],
  stride: number[],
  [top, , left]: number[],
  dilation: number[],
  groups: number,
): number {
  const [, height, width, channels] = x.shape;
  const [out, kh, kw, perGroup] = w.shape;
  const first = Math.floor(o / (out / groups)) * perGroup;
  let sum = 0;
  for (let r = 0; r < kh; r++)
    for (let s = 0; s < kw; s++)
      for (let c = 0; c < perGroup; c++) {
        const row = i * stride[0] + r * dilation[0] - top;
        const column = j * stride[1] + s * dilation[1] - left;
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        const at = ((n * height + row) * width + column) * channels + first + c;
        sum += x.data[at] * w.data[((o * kh + r) * kw + s) * perGroup + c];
      }
  return sum;
}

t.test('is the sum over the window, for all options at once', (t) => {
  const x = draw([2, 7, 6, 4]);
  const w = draw([6, 3, 2, 2]);
  const b = draw([6]);
  const y = conv2d(x, w, b, { stride: [2, 1], padding: [2, 1, 0, 3], dilation: [1, 2], groups: 2 });
  t.same(y.shape, [2, 4, 7, 6]);
  let at = 0;
  let worst = 0;
  for (let n = 0; n < 2; n++)
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 7; j++)
        for (let o = 0; o < 6; o++) {
          const want = element(x, w, [n, i, j, o], [2, 1], [2, 1, 0, 3], [1, 2], 2) + b.data[o];
          worst = Math.max(worst, Math.abs(y.data[at++] - want));
        }
  t.ok(worst < 1e-12, `largest difference ${worst}`);
  t.end();
});

t.test('padding is a number, a pair or four sides', (t) => {
  const x = draw([1, 4, 5, 1]);
  const w = draw([1, 3, 3, 1]);
  t.same(conv2d(x, w, null, { padding: 1 }).shape, [1, 4, 5, 1]);
  t.same(conv2d(x, w, null, { padding: [0, 2] }).shape, [1, 2, 7, 1]);
  t.same(conv2d(x, w, null, { padding: [0, 1, 2, 0] }).shape, [1, 3, 5, 1]);
  t.same(conv2d(x, w, null).shape, [1, 2, 3, 1]);
  t.end();
});

t.test('float32 in, float32 out', (t) => {
  const y = conv2d(draw([1, 3, 3, 2], 'float32'), draw([2, 3, 3, 2], 'float32'), null);
  t.equal(y.dtype, 'float32');
  t.end();
});

t.test('runs only the gradient kernels that are needed', (t) => {
  const ran: string[] = [];
  const spy = <O extends OpName>(kernel: Kernel<O>): Kernel<O> => ({
    ...kernel,
    prepare(params, memory) {
      if (kernel.op.startsWith('conv2d')) ran.push(kernel.op);
      return kernel.prepare(params, memory);
    },
  });
  const restore = setBackend(
    withTraining(backend()).map((kernel) => spy(kernel as Kernel<OpName>)) as unknown as Backend,
  );
  t.teardown(restore);
  const x = draw([1, 4, 4, 2]);
  const w = draw([2, 3, 3, 2]);
  conv2d(x.detach(), w, null).backward(NDArray.full([1, 2, 2, 2], 1, 'float64'));
  t.same(ran, ['conv2d', 'conv2dFilterGrad']);
  ran.length = 0;
  conv2d(x, w.detach(), null).backward(NDArray.full([1, 2, 2, 2], 1, 'float64'));
  t.same(ran, ['conv2d', 'conv2dInputGrad']);
  ran.length = 0;
  const b = draw([2]);
  conv2d(x.detach(), w.detach(), b).backward(NDArray.full([1, 2, 2, 2], 1, 'float64'));
  t.same(ran, ['conv2d']);
  t.same(b.grad?.data, [4, 4], 'the gradient of the bias is the sum over positions');
  t.end();
});

t.test('bad input', (t) => {
  const x = zeros([1, 4, 4, 4]);
  const w = zeros([2, 3, 3, 4]);
  fails(t, [
    [() => conv2d(zeros([4, 4, 4]), w, null), ShapeError, /^x: .*\[N, H, W, C\]/],
    [() => conv2d(x, zeros([2, 3, 4]), null), ShapeError, /^weight/],
    [() => conv2d(x, zeros([2, 3, 3, 3]), null), ShapeError, /^weight: .*3 input channels, x has 4/],
    [() => conv2d(x, zeros([2, 0, 3, 4]), null), ShapeError, /^weight: .*empty kernel/],
    [() => conv2d(x, zeros([3, 3, 3, 2]), null, { groups: 2 }), ShapeError, /^groups: 2/],
    [() => conv2d(x, w, zeros([3])), ShapeError, /^bias/],
    [() => conv2d(x, zeros([2, 5, 5, 4]), null), ShapeError, /^x: too small/],
    [() => conv2d(x, zeros([2, 3, 3, 4], { dtype: 'float64' }), null), DTypeError, /^weight/],
    [() => conv2d(tensor(new Int8Array(64), { shape: [1, 4, 4, 4] }), w, null), DTypeError, /^x/],
    [() => conv2d(x, w, null, { stride: 0 }), ArgumentError, /^stride: 0/],
    [() => conv2d(x, w, null, { dilation: [1, 1.5] }), ArgumentError, /^dilation: 1.5/],
    [() => conv2d(x, w, null, { padding: -1 }), ArgumentError, /^padding: -1/],
    [() => conv2d(x, w, null, { padding: [1, 2, 3] as never }), ArgumentError, /^padding/],
    [() => conv2d(x, w, null, { stride: [1] as never }), ArgumentError, /^stride/],
    [() => conv2d(x, w, null, { groups: 0 }), ArgumentError, /^groups/],
  ]);
  t.end();
});
