/** Passes that make networks of other frameworks ours: fewer nodes, the same function. */
import t, { type Test as Tap } from 'tap';
import { noGrad } from '../../src/autograd/index.js';
import { NDArray, perTensor } from '../../src/core/index.js';
import {
  GraphBuilder,
  prune,
  removeTransposes,
  renameValues,
  simplify,
  validate,
  type Activation,
  type Graph,
  type ValueId,
} from '../../src/graph/index.js';
import { GraphModule } from '../../src/trace/index.js';
import { array } from '../support/graphs.js';
import { normal } from '../support/models.js';

const NHWC = [0, 2, 3, 1];
const NCHW = [0, 3, 1, 2];

/** A network as an importer of an NCHW format writes it. */
class Nchw {
  readonly b = new GraphBuilder();
  #count = 0;

  name(op: string): string {
    return `${op}${this.#count++}`;
  }

  transpose(x: ValueId, perm: readonly number[]): ValueId {
    return this.b.node(this.name('t'), { op: 'transpose', inputs: [x], perm });
  }

  /** `build` on NHWC, between two transposes. */
  wrapped(x: ValueId, build: (x: ValueId) => ValueId): ValueId {
    return this.transpose(build(this.transpose(x, NHWC)), NCHW);
  }

  conv(
    x: ValueId,
    i: number,
    o: number,
    options: { bias?: boolean; kernel?: number; pad?: number } = {},
  ): ValueId {
    const { bias = false, kernel = 3, pad = 1 } = options;
    const weight = this.b.param(this.name('w'), array(o, kernel, kernel, i));
    return this.wrapped(x, (y) =>
      this.b.node(this.name('conv'), {
        op: 'conv2d',
        inputs: [y],
        weight,
        bias: bias ? this.b.param(this.name('bias'), array(o)) : null,
        batchNorm: null,
        activation: 'none',
        stride: [1, 1],
        padding: [pad, pad, pad, pad],
        dilation: [1, 1],
        groups: 1,
      }),
    );
  }

  constant(...shape: number[]): ValueId {
    return this.b.constant(this.name('c'), array(...shape));
  }

  number(value: number): ValueId {
    return this.b.constant(this.name('n'), new NDArray(Float32Array.of(value), [1, 1, 1, 1]));
  }

  two(op: 'add' | 'sub' | 'mul' | 'div', a: ValueId, b: ValueId, activation: Activation = 'none'): ValueId {
    return this.b.node(this.name(op), { op, inputs: [a, b], activation });
  }

  relu(x: ValueId, activation: 'relu' | 'relu6' = 'relu'): ValueId {
    return this.b.node(this.name(activation), { op: 'activation', inputs: [x], activation });
  }
}

const opsOf = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

function same(t: Tap, before: Graph, after: Graph, what: string): void {
  const shape = before.values.get(before.inputs[0])!.shape;
  const x = normal([3, ...shape.slice(1)], 9);
  const [want, got] = [before, after].map((g) => {
    const module = new GraphModule(g).eval();
    return noGrad(() => module.forward(x)).value;
  });
  t.same(got.shape, want.shape, `${what}: shape`);
  const worst = Array.from(got.data).reduce(
    (m, v, i) => Math.max(m, Math.abs(v - want.data[i]) / (1 + Math.abs(want.data[i]))),
    0,
  );
  t.ok(worst < 2e-5, `${what}: ${worst}`);
}

t.test('an NCHW classifier becomes NHWC: no transpose but at its input', (t) => {
  const n = new Nchw();
  const x = n.b.input('x', [1, 2, 6, 8]);
  const a = n.relu(
    n.two('add', n.two('mul', n.conv(x, 2, 4), n.constant(1, 4, 1, 1)), n.constant(1, 4, 1, 1)),
    'relu6',
  );
  const b = n.two('sub', n.conv(a, 4, 4, { bias: true }), n.constant(1, 4, 1, 1));
  const sum = n.relu(n.two('add', a, b));
  const padded = n.b.node('pad', {
    op: 'pad',
    inputs: [sum],
    pads: [
      [0, 0],
      [0, 0],
      [1, 0],
      [2, 1],
    ],
    value: 0,
  });
  const c = n.conv(padded, 4, 3, { pad: 0, bias: true });
  const slice = n.b.node('slice', {
    op: 'slice',
    inputs: [c],
    start: [0, 2, 1, 0],
    step: [1, -1, 1, 2],
    count: [1, 3, 4, 4],
  });
  const joined = n.b.node('cat', { op: 'concat', inputs: [slice, slice], axis: 1 });
  const flat = n.b.node('flat', { op: 'reshape', inputs: [joined], shape: [1, 96] });
  const y = n.b.node('fc', {
    op: 'linear',
    inputs: [flat],
    weight: n.b.param('fc.weight', array(5, 96)),
    bias: null,
    batchNorm: null,
    activation: 'none',
  });
  const graph = n.b.finish([y], 'free');
  same(t, graph, removeTransposes(graph), 'transposes removed');
  const simple = simplify(graph);
  same(t, graph, simple, 'simplified');
  t.same(opsOf(simplify(graph, 'nhwc')), opsOf(simple).slice(1), 'with an NHWC input, none');
  t.same(opsOf(simple), [
    'transpose',
    'conv2d',
    'conv2d',
    'add',
    'conv2d',
    'slice',
    'concat',
    'reshape',
    'linear',
  ]);
  t.end();
});

t.test('transposes that need not be done are not, those that must stay', (t) => {
  const n = new Nchw();
  const x = n.b.input('x', [1, 3, 4, 5]);
  const y = n.transpose(n.relu(n.transpose(x, NHWC)), NCHW);
  const exact = n.b.finish([y], 'free');
  t.same(opsOf(removeTransposes(exact)), ['activation']);

  const m = new Nchw();
  const z = m.transpose(m.b.input('x', [1, 4, 1, 1]), NHWC);
  t.same(opsOf(removeTransposes(m.b.finish([z], 'free'))), ['reshape'], 'moving axes of size 1 is a reshape');

  const k = new Nchw();
  const input = k.b.input('x', [1, 3, 4, 5]);
  const turned = k.transpose(input, NHWC);
  const mean = k.b.node('mean', { op: 'reduce', inputs: [turned], fn: 'mean', axes: [1], keepdim: false });
  const soft = k.b.node('soft', { op: 'softmax', inputs: [mean], beta: 1 });
  const graph = k.b.finish([soft], 'free');
  same(t, graph, removeTransposes(graph), 'reduced axes');
  t.same(opsOf(removeTransposes(graph)), ['reduce', 'transpose', 'softmax']);
  t.end();
});

t.test('gates are recognised', (t) => {
  const gate = (build: (n: Nchw, x: ValueId) => ValueId): Graph => {
    const n = new Nchw();
    return n.b.finish([build(n, n.b.input('x', [1, 2, 3, 4]))], 'free');
  };
  const clip = (n: Nchw, x: ValueId): ValueId =>
    n.b.node(n.name('clip'), { op: 'unary', inputs: [x], fn: 'clip', alpha: 0, beta: 6 });
  const shifted = (n: Nchw, x: ValueId): ValueId => clip(n, n.two('add', x, n.number(3)));
  const sigmoid = (n: Nchw, x: ValueId): ValueId =>
    n.b.node(n.name('s'), { op: 'unary', inputs: [x], fn: 'sigmoid', alpha: 0, beta: 0 });
  const cases: [string, (n: Nchw, x: ValueId) => ValueId][] = [
    ['hardswish', (n, x) => n.two('mul', x, n.two('div', shifted(n, x), n.number(6)))],
    ['hardswish', (n, x) => n.two('div', n.two('mul', x, shifted(n, x)), n.number(6))],
    ['hardswish', (n, x) => n.two('mul', n.two('mul', n.number(1 / 6), shifted(n, x)), x)],
    ['hardsigmoid', (n, x) => n.two('mul', shifted(n, x), n.number(1 / 6))],
    ['silu', (n, x) => n.two('mul', sigmoid(n, x), x)],
  ];
  for (const [fn, build] of cases) {
    const graph = gate(build);
    const simple = simplify(graph);
    same(t, graph, simple, fn);
    t.match(simple.nodes, [{ op: 'unary', fn }]);
    t.equal(simple.nodes.length, 1);
  }
  const other = gate((n, x) => n.two('mul', x, sigmoid(n, n.two('add', x, n.number(1)))));
  t.ok(simplify(other).nodes.length > 1, 'another gate is left alone');
  t.end();
});

t.test('batch norm that follows no layer; what changes nothing', (t) => {
  const n = new Nchw();
  const x = n.b.input('x', [1, 3, 3, 2]);
  const bn = n.b.node('bn', {
    op: 'batchNorm',
    inputs: [x],
    gamma: n.b.param('gamma', array(2)),
    beta: n.b.param('beta', array(2)),
    mean: n.b.param('mean', array(2)),
    variance: n.b.param('variance', new NDArray(Float32Array.of(0.5, 2), [2])),
    eps: 1e-5,
    momentum: 0.1,
  });
  const graph = n.b.finish([n.two('add', n.two('mul', bn, n.number(1)), n.number(0))], 'free');
  same(t, graph, simplify(graph), 'batch norm');
  t.same(
    opsOf(simplify(graph)).filter((op) => op !== 'constant'),
    ['mul', 'add'],
  );
  t.end();
});

t.test('what nobody reads goes, inputs stay', (t) => {
  const n = new Nchw();
  const x = n.b.input('x', [1, 2]);
  n.b.input('unused', [1, 2]);
  n.relu(n.relu(x));
  const graph = prune(n.b.finish([n.relu(x)], 'free'));
  t.equal(graph.nodes.length, 1);
  t.same(graph.inputs, ['x', 'unused']);
  t.end();
});

t.test('constants that many nodes read stay one, weights that layers share stay as they are', (t) => {
  const n = new Nchw();
  const shared = array(3, 1, 1, 3);
  const c = n.constant(1, 3, 4, 4);
  const scale = n.number(2);
  let x = n.b.input('x', [1, 3, 4, 4]);
  for (let i = 0; i < 3; i++) {
    const weight = n.b.param(n.name('w'), shared);
    x = n.wrapped(x, (y) =>
      n.b.node(n.name('conv'), {
        op: 'conv2d',
        inputs: [y],
        weight,
        bias: null,
        batchNorm: null,
        activation: 'none',
        stride: [1, 1],
        padding: [0, 0, 0, 0],
        dilation: [1, 1],
        groups: 1,
      }),
    );
    x = n.two('mul', x, scale);
    x = n.two('div', x, c);
  }
  const graph = n.b.finish([x], 'free');
  const simple = simplify(graph);
  same(t, graph, simple, 'shared weights');
  const count = (op: string): number => opsOf(simple).filter((other) => other === op).length;
  t.equal(count('constant'), 2, 'the divisor and the scale, once each');
  t.equal(count('mul'), 6, 'no weight was copied to be scaled');
  t.equal(count('transpose'), 2);
  t.end();
});

t.test('images of codes: codes are turned, for integer kernels do not move floats', (t) => {
  const b = new GraphBuilder();
  const qparams = perTensor(0.5, 0, { quantMin: -128, quantMax: 127 });
  const x = b.input('x', [1, 2, 3, 4]);
  const turned = b.node('in', { op: 'transpose', inputs: [x], perm: NHWC });
  const q = b.node('q', { op: 'quantize', inputs: [turned] }, qparams);
  const pool = b.node(
    'pool',
    { op: 'maxPool2d', inputs: [q], kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] },
    qparams,
  );
  const back = b.node('back', { op: 'transpose', inputs: [pool], perm: NCHW }, qparams);
  const graph = b.finish([b.node('y', { op: 'dequantize', inputs: [back] })], 'free');
  t.same(opsOf(removeTransposes(graph)), ['quantize', 'transpose', 'maxPool2d', 'transpose', 'dequantize']);
  t.same(opsOf(removeTransposes(graph, 'nhwc')), ['quantize', 'maxPool2d', 'dequantize']);
  t.end();
});

t.test('values get other names; who had one gets the old one in exchange', (t) => {
  const n = new Nchw();
  const x = n.b.input('x', [1, 4]);
  const a = n.relu(x);
  const b = n.relu(a, 'relu6');
  const graph = n.b.finish([b, a], 'free');
  const renamed = validate(
    renameValues(
      graph,
      new Map([
        [b, 'relu0'],
        [a, 'other'],
      ]),
    ),
  );
  t.same(renamed.outputs, ['relu0', b], 'a name that was exchanged stays');
  t.same(
    renamed.nodes.map(({ id, inputs }) => [id, ...inputs]),
    [
      [b, 'x'],
      ['relu0', b],
    ],
  );
  t.equal(renameValues(graph, new Map([[a, a]])), graph);
  t.end();
});
