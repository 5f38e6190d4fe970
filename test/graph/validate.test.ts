/** Every rule of a graph, broken one at a time. */
import t from 'tap';
import { perTensor, NDArray, type QParams } from '../../src/core/index.js';
import { validate, type Graph, type Node, type Value } from '../../src/graph/index.js';
import { trace } from '../../src/trace/index.js';
import { EveryOp, normal } from '../support/models.js';

const good = (): Graph => trace(new EveryOp(), normal([1, 8, 8, 2]));

function change(f: (nodes: Node[], values: Map<string, Value>) => Partial<Graph> | undefined): Graph {
  const graph = good();
  const nodes = [...graph.nodes];
  const values = new Map(graph.values);
  return { ...graph, nodes, values, ...f(nodes, values) };
}

t.test('a traced graph is valid', (t) => {
  const graph = good();
  t.equal(validate(graph), graph);
  t.end();
});

const CASES: [string, RegExp, Graph][] = [
  ['no inputs', /inputs/, change(() => ({ inputs: [] }))],
  ['no outputs', /outputs/, change(() => ({ outputs: [] }))],
  ['unknown output', /output nowhere/, change(() => ({ outputs: ['nowhere'] }))],
  ['unknown op', /op toString is unknown/, change((n) => void (n[0] = { ...n[0], op: 'toString' } as never))],
  [
    'arity',
    /add takes 2 inputs, not 1/,
    change((n) => {
      const i = n.findIndex((node) => node.op === 'add');
      n[i] = { ...n[i], inputs: [n[i].inputs[0]] };
      return undefined;
    }),
  ],
  ['order', /is not defined before it/, change((n) => void n.reverse())],
  ['twice', /defined twice/, change((n) => void n.push(n[n.length - 1]))],
  ['no shape', /has no shape/, change((n, v) => void v.delete(n[0].id))],
  [
    'batch',
    /axis 0 is the batch/,
    change((n, v) => void v.set(n[0].id, { ...v.get(n[0].id)!, shape: [2, 4, 4, 6] })),
  ],
  [
    'shape',
    /makes shape/,
    change((n, v) => void v.set(n[0].id, { ...v.get(n[0].id)!, shape: [1, 4, 4, 7] })),
  ],
  ['parameter', /parameter .* is missing/, change(() => ({ params: new Map() }))],
];

for (const [name, message, graph] of CASES)
  t.test(name, (t) => {
    t.throws(() => validate(graph), { code: 'graph', message });
    t.end();
  });

t.test('weights that do not fit', (t) => {
  const graph = good();
  const first = graph.nodes[0] as Extract<Node, { op: 'conv2d' }>;
  const with_ = (shape: number[]): Graph => ({
    ...graph,
    params: new Map(graph.params).set(first.weight, {
      id: first.weight,
      array: NDArray.zeros(shape, 'float32'),
      qparams: null,
    }),
  });
  t.throws(() => validate(with_([6, 3, 3, 5])), { code: 'graph', message: /weight .* does not fit/ });
  t.throws(() => validate(with_([6, 30, 30, 2])), { code: 'graph', message: /kernel 30 does not fit/ });
  t.throws(() => validate(with_([0, 3, 3, 2])), { code: 'graph' });
  t.end();
});

t.test('qparams are checked', (t) => {
  const graph = good();
  const qparams = { ...perTensor(1, 0, { quantMin: -128, quantMax: 127 }), scale: Float32Array.of(NaN) };
  const values = new Map(graph.values).set('input', { ...graph.values.get('input')!, qparams });
  t.throws(() => validate({ ...graph, values }), { code: 'quantization', message: /input.*scale/ });
  t.end();
});

t.test('qparams that no kernel takes', (t) => {
  const byte = { quantMin: -128, quantMax: 127 };
  const graph = good();
  const with_ = (ids: string[], qparams: QParams): Graph => {
    const values = new Map(graph.values);
    for (const id of ids) values.set(id, { ...values.get(id)!, qparams });
    return { ...graph, values };
  };
  const refused = (g: Graph, message: RegExp): void => {
    t.throws(() => validate(g), { code: 'graph', message });
  };
  refused(with_(['input'], perTensor(1, 0, { quantMin: -1000, quantMax: 1000 })), /input.*do not fit 8 bits/);
  refused(with_(['input'], { ...perTensor(1, 0, byte), axis: 1 }), /input.*values have one scale/);
  const resize = graph.nodes.find((n) => n.op === 'resize')!;
  const [from] = resize.inputs;
  refused(with_([from], perTensor(1, 0, byte)), /resize moves codes, so its output needs the qparams of/);
  refused(with_([resize.id], perTensor(1, 0, byte)), /moves codes/);
  const both = with_([from], perTensor(1, 0, byte));
  const other = with_([resize.id], perTensor(2, 0, byte)).values.get(resize.id)!;
  refused({ ...both, values: new Map(both.values).set(resize.id, other) }, /moves codes/);
  t.end();
});
