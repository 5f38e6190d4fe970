/** Elementwise ops: values against Math and mathjs, kinks as in PyTorch, broadcasting, refused inputs. */
import t from 'tap';
import { bignumber, compile, derivative } from 'mathjs';
import { ArgumentError, DTypeError, ShapeError } from '../../src/core/index.js';
import { tensor, type Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { erf } from '../../src/ops/erf.js';

const leaf = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

/** dy/dx of each element. */
function slopes(f: (x: Tensor) => Tensor, values: number[]): number[] {
  const x = leaf(values);
  ops.sum(f(x)).backward();
  return [...x.grad!.data];
}

t.test('values and derivatives are those that mathjs finds from the formula', (t) => {
  const cases: [string, (x: Tensor) => Tensor, string][] = [
    ['neg', ops.neg, '-x'],
    ['exp', ops.exp, 'exp(x)'],
    ['log', ops.log, 'log(x)'],
    ['sqrt', ops.sqrt, 'sqrt(x)'],
    ['square', ops.square, 'x^2'],
    ['powScalar', (x) => ops.powScalar(x, 2.5), 'x^2.5'],
    ['sigmoid', ops.sigmoid, '1 / (1 + exp(-x))'],
    ['tanh', ops.tanh, 'tanh(x)'],
    ['silu', ops.silu, 'x / (1 + exp(-x))'],
    ['softplus', ops.softplus, 'log(1 + exp(x))'],
    [
      'gelu tanh',
      (x) => ops.gelu(x, { approximate: 'tanh' }),
      '0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))',
    ],
    ['div', (x) => ops.div(1, x), '1 / x'],
    ['mul', (x) => ops.mul(x, ops.add(x, 3)), 'x * (x + 3)'],
    ['sub', (x) => ops.sub(2, x), '2 - x'],
  ];
  const at = [0.1, 0.5, 1, 2.75, 6];
  for (const [name, f, formula] of cases) {
    const value = compile(formula);
    const slope = derivative(formula, 'x');
    const y = f(leaf(at));
    slopes(f, at).forEach((got, i) => {
      const [v, d] = [value.evaluate({ x: at[i] }) as number, slope.evaluate({ x: at[i] }) as number];
      t.ok(Math.abs(y.data[i] - v) <= 1e-14 * Math.abs(v), `${name}(${at[i]})`);
      t.ok(Math.abs(got - d) <= 1e-13 * Math.max(1, Math.abs(d)), `${name}'(${at[i]})`);
    });
  }
  t.end();
});

t.test('erf against its series in 60 digits', (t) => {
  const factor = bignumber(2).div(bignumber(-1).acos().sqrt());
  let worst = 0;
  for (let k = -65; k <= 65; k++) {
    const x = k / 10 + 0.0137;
    const square = bignumber(x).times(x);
    let term = bignumber(x);
    let sum = term;
    for (let n = 1; term.abs().gt(1e-30); n++) {
      term = term
        .times(square)
        .times(2)
        .div(2 * n + 1);
      sum = sum.plus(term);
    }
    const exact = sum.times(factor).times(square.neg().exp());
    worst = Math.max(worst, exact.minus(erf(x)).abs().toNumber());
  }
  t.ok(worst < 2.3e-16, `worst error ${worst}`);
  t.same([erf(0), erf(Infinity), erf(-Infinity), erf(NaN)], [0, 1, -1, NaN]);
  t.end();
});

t.test('slopes at kinks are those of PyTorch', (t) => {
  t.same(slopes(ops.relu, [-1, 0, 1]), [0, 0, 1]);
  t.same(slopes(ops.relu6, [-1, 0, 3, 6, 7]), [0, 0, 1, 0, 0]);
  t.same(slopes(ops.abs, [-2, 0, 2]), [-1, 0, 1]);
  t.same(
    slopes((x) => ops.clamp(x, { min: -1, max: 1 }), [-2, -1, 0, 1, 2]),
    [0, 1, 1, 1, 0],
  );
  t.same(
    slopes((x) => ops.leakyRelu(x, { negativeSlope: 0.5 }), [-1, 0, 1]),
    [0.5, 0.5, 1],
  );
  t.same(slopes(ops.elu, [0, 1]), [1, 1]);
  t.same(slopes(ops.hardswish, [-4, -3, 3, 4]), [0, -0.5, 1.5, 1]);
  t.same(slopes(ops.hardsigmoid, [-3, 3]), [0, 0]);
  t.same(
    slopes((x) => ops.maximum(x, 1), [0, 1, 2]),
    [0, 0.5, 1],
  );
  t.same(
    slopes((x) => ops.minimum(1, x), [0, 1, 2]),
    [1, 0.5, 0],
  );
  t.same(
    slopes((x) => ops.powScalar(x, 0), [0, 1]),
    [0, 0],
  );
  t.end();
});

t.test('extreme values', (t) => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const x = tensor([-inf, -1000, 1000, inf, nan], { dtype: 'float64' });
  t.same([...ops.sigmoid(x).data], [0, 0, 1, 1, nan]);
  t.same([...ops.softplus(x).data], [0, 0, 1000, inf, nan]);
  t.same([...ops.tanh(x).data], [-1, -1, 1, 1, nan]);
  for (const f of [ops.relu, ops.relu6, ops.abs, ops.hardsigmoid, ops.hardswish, ops.gelu, ops.elu, ops.silu])
    t.same(f(tensor([nan])).item(), nan, `${f.name} keeps NaN`);
  t.same(ops.clamp(tensor([nan]), { min: 0 }).item(), nan);
  t.same([...ops.maximum(tensor([nan, 1]), tensor([1, nan])).data], [nan, nan]);
  t.end();
});

t.test('results keep the float type, and round once', (t) => {
  const [a, b] = [tensor([0.1, 0.2]), tensor([0.3, 0.7])];
  t.same(
    ops.add(a, b).data,
    Float32Array.of(Math.fround(0.1) + Math.fround(0.3), Math.fround(0.2) + Math.fround(0.7)),
  );
  t.same(ops.exp(a).data, Float32Array.from(a.data, Math.exp));
  t.equal(ops.mul(leaf([1]), 2).dtype, 'float64');
  t.equal(ops.mul(2, a).dtype, 'float32');
  t.end();
});

t.test('broadcasting, against indices', (t) => {
  const shapes: [number[], number[]][] = [
    [[2, 3], [2, 3]], [[2, 3], []], [[], [2, 3]], [[2, 3], [3]], [[2, 3], [2, 1]], [[2, 1, 3], [4, 1]],
    [[2, 1, 3, 1], [1, 4, 1, 5]], [[0, 3], [1]], [[1], [1, 1]], [[2, 3, 4], [3, 1]],
  ]; // prettier-ignore
  for (const [sa, sb] of shapes) {
    const fill = (shape: number[], step: number): Tensor =>
      tensor(
        Float64Array.from({ length: shape.reduce((p, d) => p * d, 1) }, (_, i) => 1 + i * step),
        { shape },
      );
    const [a, b] = [fill(sa, 1), fill(sb, 100)];
    const y = ops.sub(a, b);
    const rank = Math.max(sa.length, sb.length);
    const at = (x: Tensor, index: number[]): number =>
      x.shape.reduce((o, d, i) => o * d + (d === 1 ? 0 : index[rank - x.rank + i]), 0);
    const expected = [...y.data].map((_, i) => {
      const index: number[] = [];
      for (let k = rank - 1, rest = i; k >= 0; rest = Math.floor(rest / y.shape[k]), k--)
        index[k] = rest % y.shape[k];
      return a.data[at(a, index)] - b.data[at(b, index)];
    });
    t.same([...y.data], expected, `[${sa.join()}] and [${sb.join()}]`);
  }
  t.end();
});

t.test('where', (t) => {
  const cond = tensor([[1], [0]], { dtype: 'int32' });
  t.same(ops.where(cond, tensor([1, 2]), tensor(9)).toArray(), [[1, 2], [9, 9]]); // prettier-ignore
  t.throws(() => ops.where(tensor([1]), tensor([1]), tensor([1])), {
    constructor: DTypeError,
    message: /cond: where/,
  });
  t.throws(() => ops.where(cond, tensor([1, 2]), tensor([1, 2, 3])), {
    constructor: ShapeError,
    message: /where/,
  });
  t.throws(
    () => ops.where(tensor([1, 0, 1], { dtype: 'uint8' }), tensor([1, 2]), tensor([1, 2])),
    ShapeError,
  );
  t.end();
});

t.test('refused inputs', (t) => {
  const int = tensor([1], { dtype: 'int32' });
  for (const f of [ops.add, ops.sub, ops.mul, ops.div, ops.maximum, ops.minimum]) {
    t.throws(() => f(tensor([1, 2]), tensor([1, 2, 3])), {
      constructor: ShapeError,
      message: new RegExp(`${f.name}: shapes \\[2\\] and \\[3\\]`),
    });
    t.throws(() => f(int, 1), { constructor: DTypeError, message: new RegExp(`a: ${f.name} .*int32`) });
    t.throws(() => f(tensor([1]), int), {
      constructor: DTypeError,
      message: new RegExp(`b: ${f.name} .*int32`),
    });
    t.throws(() => f(tensor([1]), leaf([1])), {
      constructor: DTypeError,
      message: /b: .*float64.*float32 for a/,
    });
    t.throws(() => f(1, 2), { constructor: ArgumentError, message: /a, b: .* 1 and 2/ });
  }
  const unary = [
    ops.neg, ops.abs, ops.exp, ops.log, ops.sqrt, ops.square, ops.relu, ops.relu6, ops.leakyRelu, ops.elu, ops.silu,
    ops.hardswish, ops.hardsigmoid, ops.gelu, ops.sigmoid, ops.tanh, ops.softplus,
  ]; // prettier-ignore
  for (const f of unary)
    t.throws(() => f(int), { constructor: DTypeError, message: new RegExp(`x: ${f.name} .*int32`) });
  t.throws(() => ops.clamp(tensor([1]), {}), { constructor: ArgumentError, message: /min, max/ });
  t.throws(() => ops.clamp(tensor([1]), { min: 2, max: 1 }), {
    constructor: ArgumentError,
    message: /2 and 1/,
  });
  t.throws(() => ops.clamp(tensor([1]), { min: NaN }), ArgumentError);
  t.throws(() => ops.gelu(tensor([1]), { approximate: 'erf' as 'none' }), {
    constructor: ArgumentError,
    message: /approximate: 'erf'/,
  });
  t.end();
});
