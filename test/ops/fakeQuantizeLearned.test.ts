import t from 'tap';
import { apply, tensor, type OpDef } from '../../src/autograd/index.js';
import { gradcheck } from '../../src/autograd/gradcheck.js';
import {
  ArgumentError,
  DTypeError,
  NDArray,
  QuantizationError,
  Random,
  ShapeError,
} from '../../src/core/index.js';
import {
  fakeQuantizeLearned,
  fakeQuantizeLearnedOp,
  type FakeQuantizeLearnedAttrs,
} from '../../src/ops/fakeQuantizeLearned.js';
import { roundHalfEven } from '../../kernels/index.js';

const range = { quantMin: -8, quantMax: 7 };

t.test('closed form: inside, below and above', async (t) => {
  const x = tensor([1.1, -10, 10], { dtype: 'float64', requiresGrad: true });
  const scale = tensor([0.5], { dtype: 'float64', requiresGrad: true });
  const zeroPoint = tensor([2], { dtype: 'float64', requiresGrad: true });
  const y = fakeQuantizeLearned(x, scale, zeroPoint, { ...range, gradFactor: 0.1 });
  t.strictSame([...y.data], [1, -5, 2.5]);
  y.backward(tensor([1, 2, 3], { dtype: 'float64' }));
  t.strictSame([...x.grad!.data], [1, 0, 0]);
  t.ok(Math.abs(scale.grad!.data[0] - 0.1 * (1 * (2 - 2.2) + 2 * -10 + 3 * 5)) < 1e-12);
  t.ok(Math.abs(zeroPoint.grad!.data[0] - 0.1 * (-2 * 0.5 - 3 * 0.5)) < 1e-12);
});

t.test('numerically: differences in x, scale and zero point with a frozen rounding residual', async (t) => {
  const random = new Random('lsq');
  const shape = [3, 4, 2];
  for (const axis of [null, 0, 1, 2]) {
    const n = axis === null ? 1 : shape[axis];
    const inner = axis === null ? 24 : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const channel = (i: number): number => Math.floor(i / inner) % n;
    const scale = Float64Array.from({ length: n }, () => random.uniform(0.1, 0.5));
    const zeroPoint = Float64Array.from({ length: n }, () => random.int(9) - 4);
    const x = Float64Array.from({ length: 24 }, (_, i) => {
      let code: number;
      do code = random.int(27) - 13;
      while (code === -8 || code === 7);
      return (code - zeroPoint[channel(i)] + random.uniform(-0.4, 0.4)) * scale[channel(i)];
    });
    const residual = x.map((v, i) => roundHalfEven(v / scale[channel(i)]) - v / scale[channel(i)]);
    const surrogate: OpDef<FakeQuantizeLearnedAttrs> = {
      ...fakeQuantizeLearnedOp,
      forward(ctx, [v, s, z]) {
        ctx.save(v, s, z);
        const y = NDArray.like(v);
        for (let i = 0; i < y.size; i++) {
          const [sc, zc] = [s.data[channel(i)], z.data[channel(i)]];
          y.data[i] = (Math.min(Math.max(v.data[i] / sc + residual[i] + zc, -8), 7) - zc) * sc;
        }
        return y;
      },
    };
    const leaves = [
      tensor(x, { shape, requiresGrad: true }),
      tensor(scale, { requiresGrad: true }),
      tensor(zeroPoint, { requiresGrad: true }),
    ];
    const attrs = { ...range, axis, gradFactor: 1 };
    t.doesNotThrow(() => gradcheck((...v) => apply(surrogate, v, attrs), leaves), `axis ${axis}`);
  }
});

t.test('the LSQ factor is 1 / sqrt(N * quantMax), N the elements of one scale', async (t) => {
  const gradient = (options: { axis?: number; gradFactor?: number }): number[] => {
    const x = tensor(
      Array.from({ length: 4 }, (_, i) => Array.from({ length: 9 }, (_, k) => 0.3 * i + 0.17 * k)),
      { dtype: 'float64' },
    );
    const scale = tensor(options.axis === undefined ? [0.1] : [0.1, 0.2, 0.3, 0.4], {
      dtype: 'float64',
      requiresGrad: true,
    });
    fakeQuantizeLearned(x, scale, 0, { ...range, ...options }).backward(NDArray.full([4, 9], 1, 'float64'));
    return [...scale.grad!.data];
  };
  const near = (a: number[], b: number[], k: number): boolean =>
    a.every((v, i) => Math.abs(v - b[i] * k) < 1e-12 && v !== 0);
  t.ok(near(gradient({}), gradient({ gradFactor: 1 }), 1 / Math.sqrt(36 * 7)));
  t.ok(near(gradient({ axis: 0 }), gradient({ axis: 0, gradFactor: 1 }), 1 / Math.sqrt(9 * 7)));
  t.ok(near(gradient({ axis: -2 }), gradient({ axis: 0 }), 1), 'negative axes count from the end');
});

t.test('training the scale lowers the quantization error', async (t) => {
  const random = new Random('fit');
  const values = Float64Array.from({ length: 400 }, () => random.normal());
  const x = tensor(values);
  const scale = tensor([2], { dtype: 'float64', requiresGrad: true });
  const error = (): number => {
    const y = fakeQuantizeLearned(x, scale, 0, range).data;
    return values.reduce((sum, v, i) => sum + (y[i] - v) ** 2, 0) / 400;
  };
  const before = error();
  for (let step = 0; step < 60; step++) {
    const y = fakeQuantizeLearned(x, scale, 0, { ...range, gradFactor: 1 });
    scale.grad = null;
    y.backward(
      new NDArray<'float64'>(
        Float64Array.from(values, (v, i) => (2 * (y.data[i] - v)) / 400),
        [400],
      ),
    );
    scale.data[0] -= scale.grad!.data[0];
  }
  t.ok(error() < before / 10, `${before} -> ${error()}`);
  t.ok(
    scale.data[0] > 0.2 && scale.data[0] < 0.6,
    `${scale.data[0]} is near the optimum of 16 levels, 0.335`,
  );
});

t.test('a fractional zero point is rounded and clamped, a vanishing scale is the safe scale', async (t) => {
  const x = tensor([0.26, -3, 3]);
  const run = (s: number, z: number): number[] => [
    ...fakeQuantizeLearned(x, tensor([s]), tensor([z]), range).data,
  ];
  t.strictSame(run(0.25, 2.5), run(0.25, 2));
  t.strictSame(run(0.25, 100), run(0.25, 7));
  t.strictSame(run(-1, 0), run(2 ** -23, 0));
  t.strictSame([...fakeQuantizeLearned(x, tensor(0.25), 0, range).data], run(0.25, 0), 'scalar scale');
});

t.test('bad input', async (t) => {
  const x = tensor([[1, 2, 3]]);
  const one = tensor([1]);
  t.throws(() => fakeQuantizeLearned(x, one, 0, { ...range, axis: 1 }), {
    message: /scale has shape \[1\].*\[3\]/,
  });
  t.throws(() => fakeQuantizeLearned(x, one, tensor([0, 0]), range), ShapeError);
  t.throws(() => fakeQuantizeLearned(x, tensor([1], { dtype: 'float64' }), 0, range), DTypeError);
  t.throws(() => fakeQuantizeLearned(x, one, 0, { quantMin: 0, quantMax: 0 }), ArgumentError);
  t.throws(() => fakeQuantizeLearned(x, tensor([NaN]), 0, range), QuantizationError);
  t.throws(() => fakeQuantizeLearned(x, one, tensor([NaN]), range), { message: /zeroPoint\[0\] is NaN/ });
});
