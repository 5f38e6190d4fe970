/** Tensors, the tape, its modes and its errors. */
import t from 'tap';
import { AutogradError, DTypeError, NDArray, ShapeError } from '../../src/core/index.js';
import type { Tensor } from '../../src/autograd/index.js';
import {
  apply,
  full,
  isGradEnabled,
  noGrad,
  ones,
  tensor,
  withTracer,
  zeros,
  type OpDef,
} from '../../src/autograd/index.js';
import { add, mul, square, sum } from '../../src/ops/index.js';

const leaf = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

t.test('creation', (t) => {
  t.same(tensor([[1, 2], [3, 4]]).toArray(), [[1, 2], [3, 4]]); // prettier-ignore
  t.equal(tensor(3).rank, 0);
  t.equal(tensor([1]).dtype, 'float32', 'float32 unless told otherwise');
  t.equal(tensor(new Int32Array([1, 2])).dtype, 'int32', 'a typed array keeps its type');
  t.same(tensor(new Float32Array(4), { shape: [2, 2] }).shape, [2, 2]);
  t.same(tensor([1.9, -1.9], { dtype: 'int32' }).toArray(), [1, -1]);
  t.same(zeros([2, 1]).toArray(), [[0], [0]]);
  t.same(ones([2], { dtype: 'float64' }).data, new Float64Array([1, 1]));
  t.same(full([2], 7, { dtype: 'int8' }).data, new Int8Array([7, 7]));
  t.same(tensor([[], []]).shape, [2, 0]);
  t.end();
});

t.test('creation errors', (t) => {
  t.throws(() => tensor([[1, 2], [3]]), ShapeError, 'ragged');
  t.throws(() => tensor([[1], 2]), ShapeError, 'ragged');
  t.throws(() => tensor(new Float32Array(3), { shape: [2, 2] }), {
    message: /data: 3 elements do not fill shape \[2, 2\]/,
  });
  t.throws(() => zeros([2, -1]), { constructor: ShapeError, message: /shape: \[2, -1\]/ });
  t.throws(() => zeros([1.5]), ShapeError);
  t.throws(() => tensor(new Uint16Array(2) as unknown as Uint8Array), {
    constructor: DTypeError,
    message: /Uint16Array/,
  });
  t.throws(() => tensor([1], { dtype: 'int32', requiresGrad: true }), {
    constructor: DTypeError,
    message: /int32/,
  });
  t.end();
});

t.test('item and toArray', (t) => {
  t.equal(tensor([[5]]).item(), 5);
  t.throws(() => tensor([1, 2]).item(), { constructor: ShapeError, message: /item: .*\[2\]/ });
  t.same(tensor([[1, 2, 3]]).toArray(), [[1, 2, 3]]);
  t.equal(tensor(4).toArray(), 4);
  t.end();
});

t.test('requiresGrad', (t) => {
  const x = leaf([1, 2]);
  t.ok(x.requiresGrad && x.isLeaf);
  const y = square(x);
  t.ok(y.requiresGrad, 'passes on');
  t.notOk(y.isLeaf);
  t.notOk(square(tensor([1])).requiresGrad, 'nothing to pass on');
  t.throws(() => (y.requiresGrad = false), { constructor: AutogradError, message: /requiresGrad/ });
  x.requiresGrad = false;
  t.notOk(square(x).requiresGrad);
  t.throws(() => (tensor([1], { dtype: 'uint8' }).requiresGrad = true), DTypeError);
  t.end();
});

t.test('detach shares the value and cuts the tape, clone copies', (t) => {
  const x = leaf([1, 2]);
  const d = square(x).detach();
  t.notOk(d.requiresGrad);
  sum(mul(x, d)).backward();
  t.same(x.grad?.data, new Float64Array([1, 4]));
  t.equal(x.detach().value, x.value);
  const c = x.clone();
  c.data[0] = 9;
  t.equal(x.data[0], 1);
  t.end();
});

t.test('noGrad nests and restores its state', (t) => {
  const x = leaf([1]);
  t.ok(isGradEnabled());
  noGrad(() => {
    t.notOk(isGradEnabled());
    noGrad(() => t.notOk(square(x).requiresGrad));
    t.notOk(isGradEnabled(), 'still off after the inner one');
  });
  t.ok(isGradEnabled());
  t.throws(() =>
    noGrad(() => {
      throw new Error('inside');
    }),
  );
  t.ok(isGradEnabled(), 'on again after a throw');
  t.equal(
    noGrad(() => 5),
    5,
  );
  t.end();
});

t.test('gradients accumulate over backward calls and over uses', (t) => {
  const x = leaf([3]);
  sum(square(x)).backward();
  sum(square(x)).backward();
  t.same(x.grad?.data, new Float64Array([12]));
  const y = leaf([2]);
  const shared = square(y); // used three times below: d/dy (s * s + s) = 4 y^3 + 2 y
  sum(add(mul(shared, shared), shared)).backward();
  t.same(y.grad?.data, new Float64Array([36]));
  t.equal(y.grad?.dtype, 'float64');
  t.end();
});

t.test('an accumulated gradient is never an array that something else holds', (t) => {
  const [x, y] = [leaf([1]), leaf([1])];
  const g = new NDArray<'float64'>(new Float64Array([1]), [1]);
  add(x, y).backward(g);
  x.grad!.data[0] = 100;
  t.equal(y.grad?.data[0], 1);
  t.equal(g.data[0], 1);
  t.end();
});

t.test('a leaf can be the root', (t) => {
  const x = leaf([1, 2]);
  x.backward(tensor([3, 4]));
  t.same(x.grad?.data, new Float64Array([3, 4]), 'the gradient is converted to float64');
  t.end();
});

t.test('a chain of 10,000 ops', (t) => {
  const x = leaf([1]);
  let y = x;
  for (let i = 0; i < 10_000; i++) y = add(y, 1);
  y.backward();
  t.equal(y.item(), 10_001);
  t.equal(x.grad?.data[0], 1);
  t.end();
});

t.test('a diamond of 40 levels visits each op once', (t) => {
  let calls = 0;
  const counted: OpDef<null> = {
    name: 'twice',
    infer: ([a]) => a,
    forward: (_, [a, b]) =>
      new NDArray<'float64'>(
        Float64Array.from(a.data, (v, i) => v + b.data[i]),
        a.shape,
      ),
    backward: (_, g) => {
      calls++;
      return [g, g];
    },
  };
  const x = leaf([1]);
  let y = x;
  for (let i = 0; i < 40; i++) y = apply(counted, [y, y], null);
  y.backward();
  t.equal(calls, 40);
  t.equal(x.grad?.data[0], 2 ** 40);
  t.end();
});

t.test('the tape is used once, unless retained', (t) => {
  const x = leaf([3]);
  const y = square(x);
  y.backward();
  t.throws(() => y.backward(), { constructor: AutogradError, message: /square.*retainGraph/ });
  const z = square(square(x));
  x.grad = null;
  z.backward(undefined, { retainGraph: true });
  z.backward();
  t.equal(x.grad!.data[0], 2 * 4 * 27);
  t.throws(() => z.backward(), AutogradError);
  t.end();
});

t.test('backward frees what the ops kept', (t) => {
  const x = leaf([3]);
  const inner = square(x);
  const y = square(inner);
  y.backward();
  for (const node of [y.node, inner.node]) {
    t.equal(node?.context, null);
    t.same(node?.inputs, []);
  }
  t.end();
});

t.test('nothing is kept where no gradient is needed', (t) => {
  let kept = -1;
  const op: OpDef<null> = {
    name: 'keeps',
    infer: ([x]) => x,
    forward(ctx, [x]) {
      ctx.save(x);
      kept = ctx.saved.length;
      return x;
    },
    backward: () => [null],
  };
  apply(op, [tensor([1])], null);
  t.equal(kept, 0);
  apply(op, [leaf([1])], null);
  t.equal(kept, 1);
  noGrad(() => apply(op, [leaf([1])], null));
  t.equal(kept, 0);
  t.end();
});

t.test('backward errors', (t) => {
  t.throws(() => tensor([1]).backward(), { constructor: AutogradError, message: /requiresGrad/ });
  t.throws(() => square(leaf([1, 2])).backward(), { constructor: AutogradError, message: /\[2\]/ });
  t.throws(() => square(leaf([1, 2])).backward(tensor([1])), {
    constructor: ShapeError,
    message: /grad: shape \[1\]/,
  });
  const wrong: OpDef<null> = {
    name: 'wrong',
    infer: ([x]) => x,
    forward: (_, [x]) => x,
    backward: () => [NDArray.zeros([5], 'float64')],
  };
  t.throws(() => apply(wrong, [leaf([1])], null).backward(), {
    constructor: AutogradError,
    message: /wrong.*\[5\]/,
  });
  t.end();
});

t.test('a tracer sees every call, and is replaced and restored', (t) => {
  const names: string[] = [];
  const listen = { record: (op: OpDef<unknown>) => void names.push(op.name) };
  withTracer(listen, () => {
    const y = square(tensor([1]));
    t.throws(() => withTracer({ record: () => { throw new Error('inner'); } }, () => square(y)), /inner/); // prettier-ignore
    add(y, y);
  });
  square(tensor([1]));
  t.same(names, ['square', 'add']);
  t.end();
});
