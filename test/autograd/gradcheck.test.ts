/** The gradient check finds wrong gradients and says where. */
import t from 'tap';
import { AutogradError, DTypeError, NDArray } from '../../src/core/index.js';
import { apply, gradcheck, tensor, type OpDef, type Tensor } from '../../src/autograd/index.js';
import { mul, square } from '../../src/ops/index.js';

const leaf = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });

/** a * b, with a gradient that is wrong in one element of one input. */
function broken(input: number, element: number, by: number): (a: Tensor, b: Tensor) => Tensor {
  const op: OpDef<null> = {
    name: 'brokenProduct',
    infer: ([a]) => a,
    forward(ctx, [a, b]) {
      ctx.save(a, b);
      return new NDArray<'float64'>(
        Float64Array.from(a.data, (v, i) => v * b.data[i]),
        a.shape,
      );
    },
    backward({ saved: [a, b] }, g) {
      const grads = [b, a].map(
        (o) =>
          new NDArray<'float64'>(
            Float64Array.from(o.data, (v, i) => v * g.data[i]),
            a.shape,
          ),
      );
      grads[input].data[element] += by;
      return grads;
    },
  };
  return (a, b) => apply(op, [a, b], null);
}

t.test('a right gradient passes and leaves no trace', (t) => {
  const [x, y] = [leaf([1, 2]), leaf([3, -4])];
  const before = (x.grad = NDArray.zeros([2], 'float64'));
  gradcheck(broken(0, 0, 0), [x, y]);
  gradcheck((x) => square(square(x)), [x]);
  t.equal(x.grad, before);
  t.equal(y.grad, null);
  t.same([...x.data, ...y.data], [1, 2, 3, -4]);
  t.end();
});

t.test('a wrong gradient is named by op, input and element, with both values', (t) => {
  for (const [input, element] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
    // prettier-ignore
    t.throws(() => gradcheck(broken(input, element, 1e-4), [leaf([1, 2]), leaf([3, -4])]), {
      constructor: AutogradError,
      message: new RegExp(`brokenProduct, input ${input}, element ${element}: .* is -?\\d.*, the numeric one -?\\d`),
    });
  t.throws(() => gradcheck(broken(0, 0, 1), [leaf([1]), leaf([2])], { name: 'mine' }), {
    message: /mine, input 0/,
  });
  t.end();
});

t.test('a missing gradient is a wrong one', (t) => {
  t.throws(() => gradcheck((a, b) => mul(a, b.detach()), [leaf([1]), leaf([2])]), {
    message: /mul, input 1.* is 0,/,
  });
  t.end();
});

t.test('tolerances', (t) => {
  const inputs = [leaf([1]), leaf([2])];
  t.doesNotThrow(() => gradcheck(broken(0, 0, 1e-4), inputs, { atol: 1e-3 }));
  t.doesNotThrow(() => gradcheck(broken(0, 0, 1e-4), inputs, { rtol: 1e-3 }));
  t.throws(() => gradcheck(broken(0, 0, NaN), inputs), AutogradError, 'NaN never passes');
  t.end();
});

t.test('constants are not moved', (t) => {
  const c = tensor([1, 2], { dtype: 'int32' });
  t.doesNotThrow(() => gradcheck((x) => square(x), [leaf([1]), c]));
  t.same([...c.data], [1, 2]);
  t.end();
});

t.test('what it cannot check, it refuses', (t) => {
  t.throws(() => gradcheck(square, [tensor([1], { requiresGrad: true })]), {
    constructor: DTypeError,
    message: /float32.*input 0/,
  });
  t.throws(() => gradcheck(square, [tensor([1], { dtype: 'float64' })]), {
    constructor: AutogradError,
    message: /inputs/,
  });
  t.throws(() => gradcheck(square, [square(leaf([1]))]), { constructor: AutogradError, message: /detach/ });
  let calls = 0;
  t.throws(() => gradcheck((x) => mul(x, ++calls), [leaf([1])]), { message: /two results/ });
  const cast: OpDef<null> = {
    name: 'cast',
    infer: ([x]) => x,
    forward: (_, [x]) => x.astype('float32'),
    backward: (_, g) => [g.astype('float64')],
  };
  t.throws(() => gradcheck((x) => apply(cast, [x], null), [leaf([1])]), {
    constructor: DTypeError,
    message: /cast.*float32/,
  });
  t.end();
});
