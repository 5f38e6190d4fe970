/** ONNX files of graphs: which operators and constants they have, where layouts change, what their metadata says. */
import t from 'tap';
import { ArgumentError, NDArray, perTensor, quantRange } from '../../../src/core/index.js';
import {
  decodeOnnx,
  exportOnnx,
  readOnnxMetadata,
  type OnnxExportOptions,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { fuseLayers, GraphBuilder, type Graph } from '../../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../../src/quant/index.js';
import { Session } from '../../../src/runtime/index.js';
import { trace } from '../../../src/trace/index.js';
import { batches, EveryOp, normal, TinyCnn } from '../../support/models.js';

const SHAPE = [2, 8, 8, 2];
const float = trace(new TinyCnn(), normal(SHAPE));
const integers = (config: QConfigOptions = {}): Graph =>
  convert(calibrate(prepare(float, ptqConfig(config)), batches(1, SHAPE)));
const int8 = integers();
const every = convert(
  calibrate(prepare(trace(new EveryOp(), normal(SHAPE)), ptqConfig()), batches(1, SHAPE)),
);

const written = (graph: Graph, options: OnnxExportOptions = {}): OnnxGraph =>
  decodeOnnx(exportOnnx(graph, options).bytes).graph;
const ops = (graph: OnnxGraph): string[] => graph.nodes.map(({ opType }) => opType);
const makerOf = (graph: OnnxGraph, name: string): OnnxNode => graph.nodes.find((n) => n.outputs[0] === name)!;
const readersOf = (graph: OnnxGraph, name: string): OnnxNode[] =>
  graph.nodes.filter((n) => n.inputs.includes(name));
const constant = (graph: OnnxGraph, name: string): OnnxTensor => graph.initializers.get(name)!;
const numbers = ({ data }: OnnxTensor): number[] => Array.from(data as ArrayLike<number>);

t.test('a float network: opset 13, channels first, names kept, batch open', (t) => {
  const model = decodeOnnx(exportOnnx(float).bytes);
  t.same([...model.opsets], [['', 13]]);
  t.equal(model.irVersion, 7);
  t.equal(model.producerName, 'octograd');
  const { graph } = model;
  const layers = ['Conv', 'BatchNormalization', 'Relu', 'MaxPool', 'Reshape', 'Gemm'];
  t.same(ops(graph), layers);
  t.same(
    ops(written(fuseLayers(float))),
    layers.filter((op) => op !== 'BatchNormalization'),
    'folded where it rides on a layer',
  );
  t.same(graph.inputs, [{ name: 'input', dtype: 'float32', dims: ['batch', 2, 8, 8] }]);
  t.same(
    graph.outputs.map(({ name, dims }) => [name, dims]),
    [[float.outputs[0], ['batch', float.values.get(float.outputs[0])!.shape[1]]]],
  );
  const [conv] = graph.nodes;
  t.same(constant(graph, conv.inputs[1]).dims, [4, 2, 3, 3]);
  t.equal(conv.attributes.get('group')!.value, 1);
  t.same(written(float, { batch: 5 }).inputs[0].dims, [5, 2, 8, 8]);
  t.end();
});

t.test('weights are permuted, also those behind a flattened image', (t) => {
  const graph = written(float);
  const conv = float.nodes.find((n) => n.op === 'conv2d')!;
  const linear = float.nodes.find((n) => n.op === 'linear')!;
  const [outputs, rest] = float.params.get(linear.weight)!.array.shape;
  t.ok(conv && outputs > 1);
  // [o, h, w, c] in the graph, [o, c, h, w] in the file
  const side = Math.sqrt(rest / 4);
  const own = float.params.get(linear.weight)!.array.data;
  const there = numbers(constant(graph, makerOf(graph, linear.id).inputs[1]));
  for (const [o, c, y, x] of [
    [0, 0, 0, 0],
    [1, 3, 0, 1],
    [outputs - 1, 2, side - 1, 0],
  ])
    t.equal(
      there[o * rest + (c * side + y) * side + x],
      own[o * rest + (y * side + x) * 4 + c],
      `${o} ${c} ${y} ${x}`,
    );
  t.end();
});

t.test(
  'QDQ: every layer between DequantizeLinear and QuantizeLinear, weights per channel, biases of 32 bits',
  (t) => {
    const graph = written(int8);
    const conv = graph.nodes.find((n) => n.opType === 'Conv')!;
    const [x, w, b] = conv.inputs.map((name) => makerOf(graph, name));
    t.same(
      [x, w, b].map((n) => n.opType),
      ['DequantizeLinear', 'DequantizeLinear', 'DequantizeLinear'],
    );
    const [codes, scale, zero] = w.inputs.map((name) => constant(graph, name));
    t.same([codes.dtype, codes.dims], ['int8', [4, 2, 3, 3]]);
    t.same([scale.dims, zero.dims, zero.dtype], [[4], [4], 'int8']);
    t.equal(w.attributes.get('axis')!.value, 0);
    const [bias, biasScale, biasZero] = b.inputs.map((name) => constant(graph, name));
    t.same([bias.dtype, bias.dims, biasZero.dtype], ['int32', [4], 'int32']);
    t.equal(b.attributes.get('axis')!.value, 0);
    const [sx] = numbers(constant(graph, x.inputs[1]));
    t.same(
      numbers(biasScale),
      numbers(scale).map((s) => Math.fround(s * sx)),
      'sx * sw in float32',
    );
    t.equal(x.inputs[0], 'input/quantize', 'codes have the names of their values');
    const [relu] = readersOf(graph, conv.outputs[0]);
    t.equal(relu.opType, 'Relu');
    const [quantize] = readersOf(graph, relu.outputs[0]);
    t.same([quantize.opType, quantize.outputs[0]], ['QuantizeLinear', 'conv']);
    const value = int8.values.get('conv')!.qparams!;
    t.same(numbers(constant(graph, quantize.inputs[1])), [...value.scale]);
    t.same(numbers(constant(graph, quantize.inputs[2])), [...value.zeroPoint]);
    t.same(
      ops(graph).filter((op) => !/^(Dequ|Qu)antizeLinear$/.test(op)),
      ['Conv', 'Relu', 'MaxPool', 'Reshape', 'Gemm'],
    );
    for (const { opType, inputs } of graph.nodes)
      if (['MaxPool', 'Reshape', 'Gemm'].includes(opType))
        t.equal(makerOf(graph, inputs[0]).opType, 'DequantizeLinear');
    t.end();
  },
);

t.test('QOperator: integer layers, codes moved as codes', (t) => {
  const graph = written(int8, { style: 'qoperator' });
  t.same(ops(graph), [
    'QuantizeLinear',
    'QLinearConv',
    'MaxPool',
    'Reshape',
    'Reshape',
    'QLinearConv',
    'Reshape',
    'DequantizeLinear',
  ]);
  const conv = graph.nodes[1];
  t.equal(conv.inputs.length, 9);
  t.same(
    conv.inputs.slice(1).map((name) => constant(graph, name).dtype),
    ['float32', 'int8', 'int8', 'float32', 'int8', 'float32', 'int8', 'int32'],
  );
  t.end();
});

t.test('layouts: no Transpose where channels come first, one where they come last', (t) => {
  for (const graph of [float, int8, every])
    for (const style of ['qdq', 'qoperator'] as const) {
      const count = (options: OnnxExportOptions): number =>
        ops(written(graph, { style, ...options })).filter((op) => op === 'Transpose').length;
      t.equal(count({}), 0);
      t.equal(count({ layout: 'nhwc' }), 1);
    }
  const last = written(int8, { layout: 'nhwc' });
  t.same(last.inputs[0].dims, ['batch', 8, 8, 2]);
  t.equal(last.nodes[0].opType, 'Transpose', 'before the input is quantized');
  t.end();
});

t.test('uint8 activations: zero points and codes 128 higher, the rest the same', (t) => {
  const [signed, unsigned] = [written(int8), written(int8, { activations: 'uint8' })];
  t.same(ops(signed), ops(unsigned));
  const zeros = (graph: OnnxGraph): number[] =>
    graph.nodes
      .filter((n) => n.opType === 'QuantizeLinear')
      .map((n) => constant(graph, n.inputs[2]))
      .flatMap(numbers);
  t.same(
    zeros(unsigned),
    zeros(signed).map((z) => z + 128),
  );
  for (const [name, { dtype, data }] of signed.initializers)
    if (!/zero_point$/.test(name) || dtype === 'int32')
      t.same(unsigned.initializers.get(name)?.data, data, name);
  t.same(
    zeros(written(integers({ signed: false }), { activations: 'int8' })),
    zeros(written(integers({ signed: false }))).map((z) => z - 128),
  );
  t.end();
});

t.test('clamps: Relu where codes end below 6, Clip where they go on, codes of fewer bits clipped', (t) => {
  const clamped = (scale: number, bits = 8): string[] => {
    const b = new GraphBuilder();
    const qp = perTensor(scale, 0, quantRange(bits, { signed: false }));
    const x = b.input('x', [1, 4, 4, 3], perTensor(0.1, 0, quantRange(8)));
    const y = b.node('y', { op: 'activation', inputs: [x], activation: 'relu6' }, qp);
    return ops(written(b.finish([y], 'free')));
  };
  t.same(clamped(6 / 255), ['DequantizeLinear', 'Relu', 'QuantizeLinear']);
  t.same(clamped(7 / 255), ['DequantizeLinear', 'Clip', 'QuantizeLinear']);
  t.same(clamped(6 / 255, 7), ['DequantizeLinear', 'Relu', 'QuantizeLinear', 'Clip']);
  t.end();
});

t.test('clip: a bound that is infinite is left away', (t) => {
  const bounds = (alpha: number, beta: number): number[] => {
    const b = new GraphBuilder();
    const y = b.node('y', { op: 'unary', inputs: [b.input('x', [1, 3])], fn: 'clip', alpha, beta });
    const { nodes } = written(b.finish([y], 'free'));
    return nodes[0].inputs.map((name) => name.length);
  };
  t.same(bounds(-1, 2).length, 3);
  t.same(bounds(-1, Infinity).length, 2);
  t.same(bounds(-Infinity, 2)[1], 0);
  t.end();
});

t.test('averages: as a convolution with ones where half steps can come out', (t) => {
  const pooled = (kernel: [number, number], pad: number, style: 'qdq' | 'qoperator'): string[] => {
    const b = new GraphBuilder();
    const qp = perTensor(0.1, 3, quantRange(8));
    const x = b.input('x', [1, 6, 6, 3], qp);
    const padding = [pad, pad, pad, pad] as const;
    const y = b.node(
      'y',
      { op: 'avgPool2d', inputs: [x], kernel, stride: [2, 2], padding, countIncludePad: false },
      qp,
    );
    return ops(written(b.finish([y], 'free'), { style }));
  };
  t.same(pooled([2, 2], 0, 'qoperator'), ['QLinearConv']);
  t.same(pooled([2, 3], 0, 'qdq'), ['DequantizeLinear', 'DequantizeLinear', 'Conv', 'QuantizeLinear']);
  for (const [kernel, pad] of [
    [3, 0],
    [2, 1],
  ] as const)
    t.same(pooled([kernel, kernel], pad, 'qdq'), ['DequantizeLinear', 'AveragePool', 'QuantizeLinear']);
  t.end();
});

t.test('outputs: an input, one value twice needed, values that are also read inside', (t) => {
  const b = new GraphBuilder();
  const x = b.input('x', [1, 4, 4, 3]);
  const pool = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
  const first = b.node('first', { op: 'maxPool2d', inputs: [x], ...pool });
  const flat = b.node('flat', { op: 'reshape', inputs: [first], shape: [1, 12] });
  const second = b.node('second', { op: 'maxPool2d', inputs: [first], ...pool });
  const still = b.node('still', { op: 'activation', inputs: [second], activation: 'none' });
  for (const layout of ['nchw', 'nhwc'] as const) {
    const graph = written(b.finish([x, first, flat, second, still], 'free'), { layout });
    const names = graph.outputs.map(({ name }) => name);
    t.same(names, ['x/output', 'first', 'flat', 'second', 'still']);
    const made = graph.nodes.flatMap((n) => n.outputs);
    t.equal(new Set(made).size, made.length);
    for (const name of names) t.ok(made.includes(name), name);
    t.same(graph.outputs[1].dims, layout === 'nchw' ? ['batch', 3, 2, 2] : ['batch', 2, 2, 3]);
    // every tensor is made before it is read
    const known = new Set(['', 'x', ...graph.initializers.keys()]);
    for (const node of graph.nodes) {
      for (const name of node.inputs) t.ok(known.has(name), name);
      known.add(node.outputs[0]);
    }
  }
  t.end();
});

t.test('metadata: labels, normalisation and a self-test in the layout and codes of the file', (t) => {
  const x = normal([1, 8, 8, 2], 5).value;
  const y = new Session(int8).run(x);
  const info = { labels: ['a', 'b', 'c'], normalization: { mean: [0.5, 0.5], std: [0.25, 0.25] } };
  const [output] = int8.outputs;
  const selfTest = { inputs: new Map([['input', x]]), outputs: new Map([[output, y]]) };
  const { bytes, notes } = exportOnnx(int8, { info, selfTest });
  t.same(notes, []);
  const read = readOnnxMetadata(decodeOnnx(bytes).metadata);
  t.same(read.labels, info.labels);
  t.same(read.normalization, info.normalization);
  const input = read.selfTest!.inputs.get('input')!;
  t.same(input.shape, [1, 2, 8, 8]);
  t.equal(input.data[64 + 8 * 3 + 5], x.data[(8 * 3 + 5) * 2 + 1]);
  t.same(read.selfTest!.outputs.get(output)!.data, y.data);
  const bare = decodeOnnx(exportOnnx(int8).bytes).metadata;
  t.equal(bare.size, 0);
  t.same(readOnnxMetadata(bare), { labels: [], normalization: null, selfTest: null });
  t.throws(() => readOnnxMetadata(new Map([['labels', '[1]']])), { code: 'format' });
  t.throws(() => readOnnxMetadata(new Map([['normalization', '{"mean":[1],"std":[]}']])), { code: 'format' });
  const wrong = (inputs: Map<string, NDArray>) => () =>
    exportOnnx(int8, { selfTest: { inputs, outputs: new Map() } });
  t.throws(wrong(new Map([['conv', x]])), { code: 'argument', message: /selfTest: conv is neither/ });
  t.throws(wrong(new Map([['input', NDArray.zeros([1, 8, 8, 2], 'int8')]])), { message: /input is int8/ });
  t.end();
});

t.test('what cannot be exact is said; what cannot be is refused', (t) => {
  const fixed = integers({ numerics: { numerics: 'fixed', rounding: 'double' } });
  const { bytes, notes } = exportOnnx(fixed);
  t.match(notes[0], /differ by a step/);
  t.equal(decodeOnnx(bytes).metadata.get('notes'), notes[0]);
  t.throws(() => exportOnnx(int8, { batch: 0 }), ArgumentError);
  t.throws(() => exportOnnx({ ...float, batch: 'fixed' }, { batch: 2 }), { message: /own shapes/ });
  const vector = new NDArray(Float32Array.of(1, 2), [2]);
  const one = new GraphBuilder();
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((id) =>
    one.param(id, vector),
  );
  const norm = { gamma, beta, mean, variance, eps: 1e-5, momentum: 0.1 };
  const y = one.node('y', { op: 'batchNorm', inputs: [one.input('x', [2])], ...norm });
  t.throws(() => exportOnnx(one.finish([y], 'fixed')), {
    code: 'graph',
    message: /y: batch norm of one axis/,
  });
  const weight = int8.params.get('conv.weight')!;
  const changed = (change: object): Graph => ({
    ...int8,
    params: new Map(int8.params).set('conv.weight', { ...weight, ...change }),
  });
  const shifted = { ...weight.qparams!, zeroPoint: weight.qparams!.zeroPoint.map(() => 1) };
  t.throws(() => exportOnnx(changed({ qparams: shifted })), {
    code: 'graph',
    message: /conv: the zero point/,
  });
  t.throws(() => exportOnnx(changed({ qparams: null })), {
    code: 'graph',
    message: /conv: its bias is int32/,
  });
  t.end();
});
