/** The quantized layer against its definition, computed here by hand, and its straight-through gradients. */
import t from 'tap';
import { buildRequantization, roundHalfEven } from '../../kernels/index.js';
import { Tensor, tensor } from '../../src/autograd/index.js';
import { NDArray, perTensor, type QParams } from '../../src/core/index.js';
import { quantizedLayer, type QuantizedLayerAttrs } from '../../src/ops/index.js';

const int8 = { quantMin: -128, quantMax: 127 };
const input = perTensor(0.05, -3, int8);
const weight: QParams = {
  ...perTensor(0.02, 0, { quantMin: -127, quantMax: 127 }),
  scale: Float32Array.of(0.02, 0.03),
  zeroPoint: new Int32Array(2),
  axis: 0,
};
const output = perTensor(0.04, -20, int8);

function attrs(activation: QuantizedLayerAttrs['activation'], lo = -128, hi = 127): QuantizedLayerAttrs {
  return {
    conv: null,
    input,
    weight,
    activation,
    output: () => ({
      qparams: output,
      requantization: buildRequantization(
        { numerics: 'float' },
        { inputScale: 0.05, weightScale: weight.scale, outputScale: 0.04, zeroPoint: -20, min: lo, max: hi },
      ),
    }),
  };
}

/** x on the grid of `input` */
const X = [
  [0.5, -0.25, 1],
  [2, 1.5, -3],
  [-0.1, 0.05, 0],
];
const W = [
  [0.5, -0.3, 0.2],
  [-0.6, 0.1, 0.9],
];
const B = [0.1, -0.2];
const onGrid = (v: number): number => Math.fround(roundHalfEven(v / input.scale[0]) * input.scale[0]);

function setup() {
  const x = tensor(
    X.map((r) => r.map(onGrid)),
    { requiresGrad: true },
  );
  return { x, w: tensor(W, { requiresGrad: true }), b: tensor(B, { requiresGrad: true }) };
}

t.test('forward is the definition of numerics, code by code', (t) => {
  const { x, w, b } = setup();
  const y = quantizedLayer(x, w, b, attrs('none'));
  for (let i = 0; i < 3; i++)
    for (let o = 0; o < 2; o++) {
      const sw = weight.scale[o];
      const scale = Math.fround(input.scale[0] * sw);
      let acc = roundHalfEven(Math.fround(B[o]) / scale);
      for (let k = 0; k < 3; k++)
        acc += roundHalfEven(X[i][k] / 0.05) * roundHalfEven(Math.fround(Math.fround(W[o][k]) / sw));
      const m = Math.fround(scale / output.scale[0]);
      const q = Math.min(Math.max(roundHalfEven(Math.fround(Math.fround(acc) * m)) - 20, -128), 127);
      t.equal(y.data[i * 2 + o], Math.fround((q + 20) * output.scale[0]), `output ${i}, ${o}`);
    }
  t.end();
});

t.test('inside the range the gradients are those of the float layer on the quantized operands', (t) => {
  const { x, w, b } = setup();
  const y = quantizedLayer(x, w, b, attrs('none'));
  const g = [
    [1, 2],
    [3, -1],
    [0.5, 0.25],
  ];
  y.backward(tensor(g));
  const wq = W.map((r, o) => r.map((v) => Math.fround(roundHalfEven(v / weight.scale[o]) * weight.scale[o])));
  const close = (got: number, want: number, what: string): void =>
    void t.ok(Math.abs(got - want) < 1e-5, `${what}: ${got} is about ${want}`);
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < 3; i++)
      close(x.grad!.data[i * 3 + k], g[i][0] * wq[0][k] + g[i][1] * wq[1][k], `dx ${i} ${k}`);
    for (let o = 0; o < 2; o++)
      close(
        w.grad!.data[o * 3 + k],
        [0, 1, 2].reduce((s, i) => s + g[i][o] * onGrid(X[i][k]), 0),
        `dw ${o} ${k}`,
      );
  }
  close(b.grad!.data[0], 4.5, 'db 0');
  close(b.grad!.data[1], 1.25, 'db 1');
  t.end();
});

t.test('a saturated output, a clamp and a clipped weight stop the gradient', (t) => {
  // output range is about [-4.3, 5.9]; the second row saturates
  const x = tensor([[onGrid(1)], [onGrid(6)], [onGrid(-1)]], { requiresGrad: true });
  const w = tensor([[1], [9]], { requiresGrad: true }); // 9 / 0.03 is beyond 127
  const y = quantizedLayer(x, w, null, attrs('none'));
  y.backward(NDArray.full(y.shape, 1, 'float32'));
  t.equal(w.grad!.data[1], 0, 'a clipped weight');
  t.equal(x.grad!.data[1], 0, 'both outputs of the second row saturate');
  t.ok(x.grad!.data[0] > 0.9);

  const relu = tensor([[onGrid(1)], [onGrid(6)], [onGrid(-1)]], { requiresGrad: true });
  const clamped = quantizedLayer(relu, tensor([[1], [0.5]]), null, attrs('relu', -20));
  clamped.backward(NDArray.full(clamped.shape, 1, 'float32'));
  t.equal(relu.grad!.data[2], 0, 'below zero, relu stops the gradient');
  t.same([...clamped.data.slice(4)], [0, 0]);
  t.end();
});

t.test('relu6 passes the gradient between 0 and 6 only', (t) => {
  const wide: QParams = perTensor(0.1, -128, int8);
  const a: QuantizedLayerAttrs = {
    ...attrs('relu6'),
    output: () => ({
      qparams: wide,
      requantization: buildRequantization(
        { numerics: 'float' },
        {
          inputScale: 0.05,
          weightScale: weight.scale,
          outputScale: 0.1,
          zeroPoint: -128,
          min: -128,
          max: -68,
        },
      ),
    }),
  };
  const x = tensor([[onGrid(2)], [onGrid(6)]], { requiresGrad: true });
  const y = quantizedLayer(x, tensor([[2], [2]]), null, a);
  y.backward(NDArray.full(y.shape, 1, 'float32'));
  t.same(
    [...y.data].map((v) => v.toFixed(1)),
    ['4.0', '4.0', '6.0', '6.0'],
  );
  t.ok(x.grad!.data[0] > 3.9 && x.grad!.data[1] === 0);
  t.end();
});

t.test('an observer sees the values before quantization, after the activation', (t) => {
  let seen: NDArray | null = null;
  const a = attrs('relu', -20);
  const { x, w, b } = setup();
  quantizedLayer(x, w, b, {
    ...a,
    output: (real) => {
      seen = real();
      return a.output(real);
    },
  });
  const values = (seen as unknown as NDArray).data;
  t.ok(values.every((v) => v >= 0) && values.some((v) => v > 0));
  const scale = Math.fround(input.scale[0] * weight.scale[0]);
  t.ok(Math.abs(values[0] / scale - roundHalfEven(values[0] / scale)) < 1e-4, 'multiples of sx * sw');
  t.end();
});

t.test('operands that do not fit are refused', (t) => {
  const { w } = setup();
  t.throws(() => quantizedLayer(tensor([[1, 2]]), w, null, attrs('none')), {
    code: 'shape',
    message: /3 input channels/,
  });
  t.throws(() => quantizedLayer(new Tensor(NDArray.zeros([1, 3], 'float64')), w, null, attrs('none')), {
    code: 'dtype',
  });
  t.throws(
    () =>
      quantizedLayer(tensor([[1, 2, 3]]), w, null, {
        ...attrs('none'),
        conv: { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 },
      }),
    { code: 'shape', message: /conv/ },
  );
  t.end();
});
