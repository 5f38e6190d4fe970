/** Every layer: its shapes, what it computes beyond the op behind it, and the arguments it refuses. */
import t from 'tap';
import { full, tensor, zeros, type Tensor } from '../../src/autograd/index.js';
import { ArgumentError, NDArray, Random, setSeed, ShapeError } from '../../src/core/index.js';
import * as nn from '../../src/nn/index.js';
import { sum } from '../../src/ops/index.js';

const image = (n: number, h: number, w: number, c: number): Tensor =>
  tensor(
    Float32Array.from({ length: n * h * w * c }, (_, i) => ((i * 7) % 11) / 5 - 1),
    { shape: [n, h, w, c] },
  );

t.test('Linear', (t) => {
  const layer = new nn.Linear(3, 2);
  layer.weight.data.set([1, 2, 3, 4, 5, 6]);
  layer.bias!.data.set([10, 20]);
  t.same(layer.forward(tensor([[1, 0, -1]])).toArray(), [[8, 18]]);
  t.equal(new nn.Linear(3, 2, { bias: false }).bias, null);
  t.throws(() => new nn.Linear(0, 2), { name: 'ArgumentError', message: /inFeatures/ });
  t.throws(() => layer.forward(zeros([1, 4])), ShapeError);
  t.end();
});

t.test('Linear starts within 1 / sqrt(fanIn), weight and bias', (t) => {
  const layer = new nn.Linear(25, 400, { random: new Random(0) });
  for (const p of layer.parameters()) {
    const top = Math.max(...Array.from(p.data, Math.abs));
    t.ok(top <= 0.2 + 1e-7 && top > 0.19);
  }
  t.end();
});

t.test('Conv2d', (t) => {
  const layer = new nn.Conv2d(4, 6, [3, 5], { stride: 2, padding: [1, 2], dilation: 1, groups: 2 });
  t.same(layer.weight.shape, [6, 3, 5, 2]);
  t.same(layer.forward(image(2, 9, 8, 4)).shape, [2, 5, 4, 6]);
  t.throws(() => new nn.Conv2d(4, 6, 3, { groups: 4 }), {
    name: 'ArgumentError',
    message: /groups.*outChannels/,
  });
  t.throws(() => new nn.Conv2d(4, 6, 0), { name: 'ArgumentError', message: /kernel/ });
  t.throws(() => layer.forward(image(1, 9, 8, 3)), ShapeError);
  t.end();
});

t.test('DepthwiseConv2d keeps channels apart', (t) => {
  const layer = new nn.DepthwiseConv2d(2, 1, { multiplier: 2, bias: false });
  t.same(layer.weight.shape, [4, 1, 1, 1]);
  layer.weight.data.set([1, 2, 3, 4]);
  t.same(layer.forward(tensor([[[[10, 100]]]])).toArray(), [[[[10, 20, 300, 400]]]]);
  t.throws(() => new nn.DepthwiseConv2d(2, 3, { multiplier: 0 }), ArgumentError);
  t.end();
});

t.test('ConvTranspose2d', (t) => {
  const layer = new nn.ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 });
  t.same(layer.weight.shape, [4, 3, 3, 3]);
  t.same(layer.forward(image(1, 5, 5, 4)).shape, [1, 10, 10, 6]);
  t.throws(() => new nn.ConvTranspose2d(3, 6, 3, { groups: 2 }), { message: /groups.*inChannels/ });
  t.end();
});

t.test('BatchNorm normalises batches while training and uses its averages afterwards', (t) => {
  for (const x of [
    image(4, 3, 3, 2),
    tensor([
      [1, 5],
      [2, 7],
      [4, 9],
    ]),
  ]) {
    const bn = new nn.BatchNorm(2, { momentum: 1, eps: 0 });
    const y = bn.forward(x);
    let mean = 0;
    let square = 0;
    for (let i = 0; i < y.size; i += 2) {
      mean += y.data[i];
      square += y.data[i] ** 2;
    }
    const rows = y.size / 2;
    t.ok(Math.abs(mean / rows) < 1e-5);
    t.ok(Math.abs(square / rows - 1) < 1e-4);
    const before = [...bn.runningMean.value.data];
    const z = bn.eval().forward(x);
    t.same([...bn.runningMean.value.data], before, 'evaluation does not change the averages');
    const unbiased = Math.sqrt(rows / (rows - 1));
    t.ok(Math.abs(z.data[0] * unbiased - y.data[0]) < 1e-4);
  }
  t.throws(() => new nn.BatchNorm(2, { momentum: 2 }), { name: 'ArgumentError', message: /momentum/ });
  t.throws(() => new nn.BatchNorm(1.5), ArgumentError);
  t.end();
});

t.test('LayerNorm and GroupNorm', (t) => {
  const x = image(2, 4, 4, 6);
  t.same(new nn.LayerNorm(6).forward(x).shape, x.shape);
  t.same(new nn.LayerNorm([4, 6]).weight!.shape, [4, 6]);
  t.equal(new nn.LayerNorm(6, { affine: false }).parameters().length, 0);
  t.same(new nn.GroupNorm(3, 6).forward(x).shape, x.shape);
  t.equal(new nn.GroupNorm(3, 6, { affine: false }).forward(x).rank, 4);
  t.throws(() => new nn.GroupNorm(4, 6), {
    name: 'ArgumentError',
    message: /groups: 4 does not divide channels/,
  });
  t.throws(() => new nn.LayerNorm(0), ArgumentError);
  t.end();
});

t.test('Embedding', (t) => {
  const layer = new nn.Embedding(4, 3, { paddingIdx: 1, random: new Random(0) });
  const indices = new NDArray(Int32Array.of(0, 1, 1), [3]);
  const y = layer.forward(tensor(indices));
  t.same(y.shape, [3, 3]);
  t.same([...y.data.subarray(3)], [0, 0, 0, 0, 0, 0]);
  sum(y).backward();
  t.same([...layer.weight.grad!.data.subarray(0, 6)], [1, 1, 1, 0, 0, 0]);
  t.throws(() => new nn.Embedding(4, 3, { paddingIdx: 4 }), { name: 'ArgumentError', message: /paddingIdx/ });
  t.end();
});

t.test('Dropout drops while training only, from its own generator or the default one', (t) => {
  const x = full([1000], 1);
  const own = (): number[] => [...new nn.Dropout(0.25, { random: new Random(5) }).forward(x).data];
  t.same(own(), own());
  const dropped = own().filter((v) => v === 0).length;
  t.ok(dropped > 200 && dropped < 300);
  t.ok(own().every((v) => v === 0 || Math.abs(v - 4 / 3) < 1e-6));
  t.same([...new nn.Dropout(0.25).eval().forward(x).data], [...x.data]);
  const restore = setSeed(9);
  const first = [...new nn.Dropout().forward(x).data];
  restore();
  setSeed(9);
  t.same([...new nn.Dropout().forward(x).data], first);
  t.throws(() => new nn.Dropout(1), { name: 'ArgumentError', message: /p: 1/ });
  t.end();
});

t.test('pooling and resizing layers', (t) => {
  const x = image(1, 5, 6, 2);
  const shape = (m: nn.Module): readonly number[] => m.forward(x).shape;
  t.same(shape(new nn.MaxPool2d(2)), [1, 2, 3, 2]);
  t.same(shape(new nn.MaxPool2d(2, { ceilMode: true })), [1, 3, 3, 2]);
  t.same(shape(new nn.AvgPool2d(3, { stride: 1, padding: 1 })), [1, 5, 6, 2]);
  t.same(shape(new nn.AdaptiveAvgPool2d(1)), [1, 1, 1, 2]);
  t.same(shape(new nn.AdaptiveMaxPool2d([2, 3])), [1, 2, 3, 2]);
  t.same(shape(new nn.Upsample({ scale: 2 })), [1, 10, 12, 2]);
  t.same(shape(new nn.Upsample({ size: [7, 7], mode: 'bilinear' })), [1, 7, 7, 2]);
  t.same(shape(new nn.Flatten()), [1, 60]);
  t.end();
});

t.test('activations', (t) => {
  const x = tensor([-8, -1, 0, 1, 8]);
  const at = (m: nn.Module): number[] => Array.from(m.forward(x).data, (v) => Number(v.toFixed(4)));
  t.same(at(new nn.ReLU()), [0, 0, 0, 1, 8]);
  t.same(at(new nn.ReLU6()), [0, 0, 0, 1, 6]);
  t.same(at(new nn.LeakyReLU(0.1)), [-0.8, -0.1, 0, 1, 8]);
  t.same(at(new nn.ELU(2)), [-1.9993, -1.2642, 0, 1, 8]);
  t.same(at(new nn.Hardswish()), [0, -0.3333, 0, 0.6667, 8]);
  t.same(at(new nn.Hardsigmoid()), [0, 0.3333, 0.5, 0.6667, 1]);
  t.same(at(new nn.SiLU()), [-0.0027, -0.2689, 0, 0.7311, 7.9973]);
  t.same(at(new nn.GELU()), [0, -0.1587, 0, 0.8413, 8]);
  t.same(at(new nn.GELU('tanh')), [0, -0.1588, 0, 0.8412, 8]);
  t.same(at(new nn.Sigmoid()), [0.0003, 0.2689, 0.5, 0.7311, 0.9997]);
  t.same(at(new nn.Tanh()), [-1, -0.7616, 0, 0.7616, 1]);
  t.same(at(new nn.Softplus()), [0.0003, 0.3133, 0.6931, 1.3133, 8.0003]);
  t.equal(
    at(new nn.Softmax())
      .reduce((a, b) => a + b)
      .toFixed(3),
    '1.000',
  );
  t.end();
});

t.test('Sequential runs its layers in order and names them by position', (t) => {
  const net = new nn.Sequential(new nn.Linear(2, 2), new nn.ReLU(), new nn.Sequential(new nn.Linear(2, 1)));
  t.same([...net.stateDict().keys()], ['0.weight', '0.bias', '2.0.weight', '2.0.bias']);
  t.same(net.forward(zeros([3, 2])).shape, [3, 1]);
  t.equal(net.eval().layers[2].training, false);
  t.end();
});
