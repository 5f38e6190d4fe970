import t from 'tap';
import { apply, tensor, type OpDef } from '../../src/autograd/index.js';
import { gradcheck } from '../../src/autograd/gradcheck.js';
import {
  DTypeError,
  NDArray,
  perTensor,
  QuantizationError,
  quantRange,
  Random,
} from '../../src/core/index.js';
import type { QParams } from '../../src/core/index.js';
import { fakeQuantize, fakeQuantizeOp, type FakeQuantizeAttrs } from '../../src/ops/fakeQuantize.js';
import { roundHalfEven } from '../../kernels/index.js';

const channelOf = (i: number, shape: readonly number[], axis: number | null): number => {
  if (axis === null) return 0;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return Math.floor(i / inner) % shape[axis];
};

t.test('closed form: the gradient passes where the unclamped code is in range', async (t) => {
  const qp = perTensor(0.5, 3, quantRange(4));
  // codes before clamping: -9 -8 3 7 8, and a value that rounds up to the bound 7
  const x = tensor([-6, -5.5, 0, 2, 2.5, 2.2], { requiresGrad: true });
  const y = fakeQuantize(x, qp);
  t.strictSame([...y.data], [-5.5, -5.5, 0, 2, 2, 2]);
  y.backward(tensor([1, 2, 3, 4, 5, 6]));
  t.strictSame([...x.grad!.data], [0, 2, 3, 4, 0, 6]);
});

t.test('numerically: differences of the surrogate with a frozen rounding residual', async (t) => {
  const random = new Random('surrogate');
  const shape = [3, 4, 2];
  for (const axis of [null, 0, 1, 2]) {
    const n = axis === null ? 1 : shape[axis];
    const qp: QParams = {
      dtype: 'int8',
      scale: Float32Array.from({ length: n }, () => random.uniform(0.05, 0.2)),
      zeroPoint: Int32Array.from({ length: n }, () => random.int(40) - 20),
      axis,
      quantMin: -50,
      quantMax: 50,
    };
    const at = (i: number) => {
      const c = channelOf(i, shape, axis);
      return { s: qp.scale[c], z: qp.zeroPoint[c] };
    };
    const x = NDArray.zeros(shape, 'float64');
    for (let i = 0; i < x.size; i++) {
      // Not on a bound: there the surrogate has a kink, and the estimator takes the value as inside.
      let code: number;
      do code = random.int(161) - 80;
      while (Math.abs(code) === 50);
      x.data[i] = (code - at(i).z + random.uniform(-0.4, 0.4)) * at(i).s;
    }
    const residual = Float64Array.from(x.data, (v, i) => roundHalfEven(v / at(i).s) - v / at(i).s);
    const surrogate: OpDef<FakeQuantizeAttrs> = {
      ...fakeQuantizeOp,
      forward(ctx, [v]) {
        ctx.save(v);
        const y = NDArray.like(v);
        for (let i = 0; i < y.size; i++) {
          const { s, z } = at(i);
          y.data[i] = (Math.min(Math.max(v.data[i] / s + residual[i] + z, -50), 50) - z) * s;
        }
        return y;
      },
    };
    const leaf = tensor(x, { requiresGrad: true });
    t.doesNotThrow(() => gradcheck((v) => apply(surrogate, [v], { qparams: qp }), [leaf]), `axis ${axis}`);
    const same = apply(surrogate, [leaf], { qparams: qp }).data;
    const y = fakeQuantize(leaf, qp).data;
    t.ok(
      y.every((v, i) => Math.abs(v - same[i]) < 1e-12),
      'the surrogate has the value of the op',
    );
  }
});

t.test('float32 and float64 pass the same gradients, and values agree to float32', async (t) => {
  const random = new Random(5);
  const values = Array.from({ length: 500 }, () => 3 * random.normal());
  const qp = perTensor(0.02, 10, quantRange(8));
  const run = (dtype: 'float32' | 'float64') => {
    const x = tensor(values, { dtype, requiresGrad: true });
    const y = fakeQuantize(x, qp);
    y.backward(NDArray.full([500], 1, dtype));
    t.equal(y.dtype, dtype);
    return { y: [...y.data], dx: [...x.grad!.data] };
  };
  const single = run('float32');
  const double = run('float64');
  t.strictSame(single.dx, double.dx);
  t.strictSame(single.y, double.y.map(Math.fround));
});

t.test('NaN becomes 0 without gradient, infinities saturate', async (t) => {
  const qp = perTensor(0.25, 5, quantRange(8, { signed: false }));
  for (const dtype of ['float32', 'float64'] as const) {
    const x = tensor([NaN, Infinity, -Infinity, -0], { dtype, requiresGrad: true });
    const y = fakeQuantize(x, qp);
    t.strictSame([...y.data], [0, 62.5, -1.25, 0]);
    y.backward(NDArray.full([4], 1, dtype));
    t.strictSame([...x.grad!.data], [0, 0, 0, 1]);
  }
});

t.test('fake quantization is idempotent', async (t) => {
  const random = new Random(9);
  const qp = perTensor(0.013, -7, quantRange(8));
  const once = fakeQuantize(tensor(Array.from({ length: 200 }, () => random.normal())), qp);
  t.strictSame(fakeQuantize(once, qp).data, once.data);
});

t.test('an empty tensor and a scalar', async (t) => {
  const qp = perTensor(1, 0, quantRange(8));
  t.strictSame(fakeQuantize(tensor(new Float32Array(0), { shape: [0, 3] }), qp).shape, [0, 3]);
  t.equal(fakeQuantize(tensor(1.4), qp).item(), 1);
});

t.test('bad input', async (t) => {
  const qp = perTensor(1, 0, quantRange(8));
  t.throws(() => fakeQuantize(tensor([1], { dtype: 'int32' }), qp), DTypeError);
  const two = { ...qp, scale: Float32Array.of(1, 2), zeroPoint: Int32Array.of(0, 0) };
  t.throws(() => fakeQuantize(tensor([1, 2, 3]), { ...two, axis: 0 }), { message: /2 scales for axis 0/ });
  t.throws(() => fakeQuantize(tensor([1, 2]), two), QuantizationError);
  t.throws(() => fakeQuantize(tensor([1, 2]), { ...two, axis: 2 }), { message: /axis 2 is outside/ });
  t.throws(() => fakeQuantize(tensor([1]), { ...qp, zeroPoint: Int32Array.of(300) }), {
    message: /zeroPoint\[0\]/,
  });
});
