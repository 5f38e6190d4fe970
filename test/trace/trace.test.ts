/** Tracing: every op it knows comes back through the graph; what it cannot write down is named. */
import t from 'tap';
import { noGrad, tensor, type Tensor } from '../../src/autograd/index.js';
import { Linear, Module, Parameter } from '../../src/nn/index.js';
import {
  adaptiveAvgPool2d,
  avgPool2d,
  cumsum,
  exp,
  upsampleBilinear2d,
  sqrt,
  softplus,
  permute,
  neg,
  minimum,
  maximum,
  log,
  div,
  abs,
  linear,
  maxPool2d,
  mean,
  mul,
  padConstant,
  relu,
  reshape,
  softmax,
} from '../../src/ops/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { EveryOp, normal, roughen, TinyCnn } from '../support/models.js';

/** A module with one linear layer and any forward. */
function model(forward: (x: Tensor, fc: Linear) => Tensor, inputs = 4): Module {
  return new (class extends Module {
    readonly fc = new Linear(inputs, 2);
    override forward(x: Tensor): Tensor {
      return forward(x, this.fc);
    }
  })();
}

t.test('the graph computes what the model computes, for any batch size', (t) => {
  const every = new EveryOp();
  roughen(every);
  const graph = trace(every, normal([1, 8, 8, 2]));
  const x = normal([3, 8, 8, 2], 9);
  every.eval();
  const want = noGrad(() => every.forward(x));
  const got = noGrad(() => new GraphModule(graph).eval().forward(x));
  t.same(got.toArray(), want.toArray());
  t.same(graph.values.get(graph.outputs[0])!.shape, [1, 5]);
  t.end();
});

t.test('layers are named after their parameters, shared with the graph', (t) => {
  const tiny = new TinyCnn();
  const graph = trace(tiny, normal([1, 8, 8, 2]));
  t.same(
    graph.nodes.map((n) => n.id),
    ['conv', 'bn', 'relu', 'maxPool2d', 'reshape', 'fc'],
  );
  t.equal(graph.params.get('conv.weight')!.array, tiny.conv.weight.value);
  t.ok(tiny.training, 'the mode is put back');
  t.end();
});

t.test('a layer that is called twice has two nodes and one weight', (t) => {
  const graph = trace(
    model((x, fc) => fc.forward(relu(reshape(mul(fc.forward(x), fc.forward(x)), [-1, 2]))), 2),
    normal([1, 2]),
  );
  t.same(
    graph.nodes.filter((n) => n.op === 'linear').map((n) => n.id),
    ['fc', 'fc_2', 'fc_3'],
  );
  t.equal(graph.params.size, 2);
  t.end();
});

t.test('functions and moves of codes trace to nodes that compute the same', (t) => {
  const forward = (x: Tensor): Tensor => {
    const y = div(sqrt(exp(abs(neg(x)))), maximum(softplus(x), exp(x)));
    const z = upsampleBilinear2d(permute(minimum(y, log(exp(y))), [0, 2, 1, 3]), { size: [3, 5] });
    return mean(
      padConstant(
        z,
        [
          [0, 0],
          [1, 1],
          [0, 2],
          [0, 0],
        ],
        1,
      ),
      { axes: [3] },
    );
  };
  const x = normal([2, 4, 3, 5]);
  const got = new GraphModule(trace(model(forward), x)).forward(x);
  t.same(got.toArray(), forward(x).toArray());
  t.end();
});

t.test('ceil mode becomes padding at the end', (t) => {
  for (const size of [5, 6, 7])
    for (const padding of [0, 1, [1, 0, 0, 1]] as (number | [number, number, number, number])[])
      for (const pool of [
        (x: Tensor) => maxPool2d(x, { kernel: 3, stride: 2, padding, ceilMode: true }),
        (x: Tensor) => maxPool2d(x, { kernel: 2, stride: 3, padding, ceilMode: true, dilation: 2 }),
        (x: Tensor) =>
          avgPool2d(x, { kernel: 3, stride: 2, padding, ceilMode: true, countIncludePad: false }),
      ]) {
        const x = normal([2, size, 8, 4]);
        const got = new GraphModule(trace(model(pool), x)).forward(x);
        t.same(got.toArray(), pool(x).toArray(), `${size} pixels, padding ${padding.toString()}`);
      }
  t.end();
});

t.test('a value never has the name of a parameter', (t) => {
  class Bare extends Module {
    readonly relu = new Parameter(normal([5, 3], 1).value);
    readonly w = new Parameter(normal([2, 5], 2).value);
    override forward(x: Tensor): Tensor {
      return relu(linear(relu(linear(x, this.relu, null)), this.w, null));
    }
  }
  const graph = trace(new Bare(), normal([4, 3]));
  t.same([...graph.values.keys()], ['input', 'relu_2', 'relu_3', 'w_2', 'relu_4']);
  t.same([...graph.params.keys()], ['relu', 'w']);
  t.end();
});

t.test('a graph module trains like the model it came from', (t) => {
  const tiny = new TinyCnn();
  const x = normal([4, 8, 8, 2], 1);
  const module = new GraphModule(trace(tiny, x));
  module.forward(x).backward(
    tensor([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]),
  );
  const got = [...module.namedParameters()].map(([name, p]) => [name, [...p.grad!.data]]);
  for (const [name, value] of module.namedBuffers())
    t.ok(
      value.data.some((v) => v !== 0 && v !== 1),
      `${name} moved`,
    );
  tiny.forward(x).backward(
    tensor([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]),
  );
  const want = [...tiny.namedParameters()].map(([name, p]) => [name, [...p.grad!.data]]);
  t.same(Object.fromEntries(got), Object.fromEntries(want));
  t.end();
});

t.test('the state of a graph module is saved and loaded whole or not at all', (t) => {
  const module = new GraphModule(trace(new TinyCnn(), normal([1, 8, 8, 2])));
  const state = module.stateDict();
  module.parameters()[0].data.fill(5);
  module.loadStateDict(state);
  t.not(module.parameters()[0].data[0], 5);
  state.delete('fc.bias');
  t.throws(() => module.loadStateDict(state), { code: 'argument', message: /missing fc.bias/ });
  t.throws(() => module.tensor('nothing'), { code: 'argument', message: /nothing/ });
  t.end();
});

const REFUSED: [string, RegExp, Module, number[]][] = [
  [
    'an op without a node',
    /uses cumsum, which has no graph node.*conv2d/s,
    model((x, fc) => fc.forward(cumsum(x, { axis: 1 }))),
    [2, 4],
  ],
  ['a constant', /mul: an operand is neither/, model((x, fc) => fc.forward(mul(x, 2))), [2, 4]],
  ['no op at all', /not computed from the input/, model((x) => x), [2, 4]],
  ['no batch axis', /no batch axis/, model((x) => x), [4]],
  ['a changed batch', /axis 0 must stay the batch of 2/, model((x) => reshape(x, [4, 2])), [2, 4]],
  ['softmax off the last axis', /softmax: axis 1/, model((x) => softmax(x, { axis: 1 })), [2, 4, 4]],
  ['adaptive pooling', /output size 2 x 2/, model((x) => adaptiveAvgPool2d(x, [2, 2])), [1, 4, 4, 4]],
  [
    'a mean of padding that ceil mode adds',
    /avgPool2d: in ceil mode.*countIncludePad: false/,
    model((x) => avgPool2d(x, { kernel: 2, ceilMode: true })),
    [1, 3, 3, 4],
  ],
  [
    'operands of different ranks',
    /mul.*\[1, 2, 2, 4\] and \[1, 4\] have their batch on different axes/,
    model((x) => mul(x, mean(x, { axes: [1, 2] }))),
    [1, 2, 2, 4],
  ],
];
for (const [name, message, m, shape] of REFUSED)
  t.test(`refused: ${name}`, (t) => {
    t.throws(() => trace(m, normal(shape)), { code: 'graph', message });
    t.ok(m.training, 'the mode is put back');
    t.end();
  });

t.test('a weight that is no parameter is refused', (t) => {
  const stray = new Linear(4, 2);
  const hide = { layer: stray };
  t.throws(
    () =>
      trace(
        model((x) => hide.layer.forward(x)),
        normal([1, 4]),
      ),
    {
      code: 'graph',
      message: /not a parameter of the model/,
    },
  );
  t.end();
});

t.test('a model of several outputs: a list in, a list out', (t) => {
  const two = new (class extends Module<Tensor[]> {
    readonly fc = new Linear(4, 2);
    override forward(x: Tensor): Tensor[] {
      const h = this.fc.forward(x);
      return [relu(h), h];
    }
  })();
  const graph = trace(two, normal([1, 4]));
  t.equal(graph.outputs.length, 2);
  const x = normal([3, 4], 2);
  const [want, got] = noGrad(() => [
    two.eval().forward(x),
    new GraphModule(graph).eval().forward<Tensor[]>(x),
  ]);
  t.same(
    got.map((y) => y.toArray()),
    want.map((y) => y.toArray()),
  );
  const stranger = new (class extends Module<Tensor[]> {
    readonly fc = new Linear(4, 2);
    override forward(x: Tensor): Tensor[] {
      return [this.fc.forward(x), tensor([1])];
    }
  })();
  t.throws(() => trace(stranger, x), { code: 'graph', message: /not computed from the input/ });
  t.end();
});
