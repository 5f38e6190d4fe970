/** Variants of a network compared: themselves, their integers, files in other formats, and networks that differ. */
import t from 'tap';
import { compareVariants, Noise, sqnr, type VariantComparison } from '../../src/analysis/index.js';
import { openModel, selfTestOf } from '../../src/contract/index.js';
import { exportOnnx } from '../../src/formats/onnx/index.js';
import { exportTflite } from '../../src/formats/tflite/index.js';
import type { Graph, Node } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../src/quant/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];
const graph = trace(new TinyCnn(), normal(SHAPE));
const quantized = (source: Graph, options: QConfigOptions = {}) =>
  calibrate(prepare(source, ptqConfig(options)), batches(2, SHAPE));
const module = quantized(graph);
const data = batches(2, SHAPE, 300);

const exact = ({ values }: VariantComparison): boolean =>
  values.every((v) => v.sqnr === Infinity && v.maxAbsError === 0 && v.cosine === 1);

t.test('what the numbers mean', (t) => {
  t.equal(sqnr([10, 0], [9, 0]), 20);
  t.equal(sqnr([1, 1], [1, 1]), Infinity);
  t.equal(sqnr([0, 0], [0, 1]), -Infinity, 'noise without a signal');
  const noise = new Noise().add([3], [0]).add([4, 0], [0, 2]);
  t.equal(noise.count, 3);
  t.equal(noise.maxAbsError, 4);
  t.equal(noise.cosine, 0, 'at right angles');
  t.equal(new Noise().add([1, 2], [2, 4]).cosine, 1);
  t.ok(Number.isNaN(new Noise().add([1], [NaN]).maxAbsError), 'NaN is not overlooked');
  t.end();
});

t.test('a variant is itself, and its integers', (t) => {
  const every = trace(new EveryOp(), normal(SHAPE));
  const all = quantized(every);
  for (const [a, b] of [
    [every, every],
    [all, all],
    [all, convert(all)],
    [convert(all), convert(all, { output: 'codes' })],
  ] as const) {
    const result = compareVariants(a, b, data);
    t.ok(exact(result), 'nothing differs');
    t.same(result.unmatched, { a: [], b: [] });
    t.equal(result.images, 8);
    t.ok(result.values.length > 15 && result.values.every(({ by }) => by === 'name'));
    const codes = new Set(result.values.map(({ codesDifferent }) => codesDifferent));
    t.same([...codes], [a === every ? null : 0]);
  }
  t.end();
});

t.test('files of other formats: the same codes, whatever the values are called', (t) => {
  const integers = convert(module);
  const options = { selfTest: selfTestOf(integers, new Map([['input', normal([1, 8, 8, 2]).value]])) };
  const files = {
    onnx: exportOnnx(integers, options).bytes,
    tflite: exportTflite(integers, { ...options, perChannelLinear: 'convolution' }).bytes,
  };
  for (const [format, bytes] of Object.entries(files)) {
    const result = compareVariants(module, openModel(bytes), data);
    const [conv, fc] = ['conv', 'fc'].map((id) => result.values.find(({ a }) => a === id)!);
    for (const found of [conv, fc])
      t.match(found, { codesDifferent: 0, sqnr: Infinity }, `${format}: ${found.b}`);
    t.equal(conv.by, format === 'onnx' ? 'order' : 'name');
  }
  t.end();
});

t.test('codes at the inputs, and files that only run in float', (t) => {
  const integers = convert(module, { output: 'codes' });
  const coded = {
    ...integers,
    inputs: ['input/quantize'],
    nodes: integers.nodes.filter(({ op }) => op !== 'quantize'),
  };
  const result = compareVariants(module, coded, data);
  t.ok(exact(result) && result.values.every(({ codesDifferent }) => codesDifferent === 0));
  t.match(result.values[0], { a: 'input', b: 'input/quantize', by: 'order' });

  // the float network with the codes of its first layer on the way: x -> conv -> quantize -> dequantize -> ...
  const { graph: float } = module;
  const { shape } = float.values.get('conv')!;
  const nodes = float.nodes.flatMap((node): Node[] =>
    node.id === 'conv'
      ? [node, { op: 'quantize', id: 'q', inputs: ['conv'] }, { op: 'dequantize', id: 'd', inputs: ['q'] }]
      : [{ ...node, inputs: node.inputs.map((id) => (id === 'conv' ? 'd' : id)) }],
  );
  const values = new Map(float.values)
    .set('q', { id: 'q', shape, qparams: module.valueQParams('conv') })
    .set('d', { id: 'd', shape, qparams: null });
  const fake = { graph: { ...float, nodes, values }, kind: 'fake-quantized' } as const;
  const found = compareVariants(float, fake, data).values;
  t.same(
    found.map(({ a }) => a),
    ['input', ...float.nodes.map(({ id }) => id)],
    'conversions are no values',
  );
  t.equal(found[0].sqnr, Infinity);
  t.ok(found[1].sqnr < 60, 'the codes stand for what they were made from');
  t.not(compareVariants(module, fake, data).values[1].codesDifferent, null, 'and have their grid');
  t.end();
});

t.test('two quantizations, and float', (t) => {
  const low = quantized(graph, { weightBits: 4 });
  const find = ({ values }: VariantComparison, id: string) => values.find(({ a }) => a === id)!;
  const between = compareVariants(module, low, data);
  t.equal(find(between, 'input').codesDifferent, 0, 'inputs have the same grid');
  const { codesDifferent, elements } = find(between, 'conv');
  const [a, b] = [module, low].map((m) =>
    data.map((x) => m.runAll(new Map([['input', x]])).get('conv')!.data),
  );
  const different = a.reduce((n, batch, i) => n + batch.filter((v, k) => v !== b[i][k]).length, 0);
  t.ok(different > 0);
  t.equal(codesDifferent, different / elements);
  const coarse = compareVariants(module, quantized(graph, { activationBits: 4 }), data);
  t.ok(
    coarse.values.every((v) => v.codesDifferent === null),
    'no grid in common',
  );

  const [high, worse] = [module, low].map((m) =>
    find(compareVariants(new GraphModule(graph), m, data), 'fc'),
  );
  t.ok(high.sqnr > worse.sqnr + 3, `${high.sqnr} dB of 8 bits, ${worse.sqnr} of 4`);
  t.ok(high.cosine > worse.cosine && worse.cosine > 0.9);
  t.end();
});

t.test('networks that are not the same say where', (t) => {
  const other = compareVariants(graph, trace(new EveryOp(), normal(SHAPE)), data);
  t.ok(other.unmatched.a.includes('fc') && other.unmatched.b.length > 10);
  t.match(other.values[0], { a: 'input', b: 'input', sqnr: Infinity });
  t.throws(() => compareVariants(graph, graph, []), { code: 'argument', message: /^batches/ });
  t.throws(() => compareVariants(graph, graph, [new Map([['x', data[0]]])]), {
    code: 'argument',
    message: /nothing is given for input input/,
  });
  t.equal(module.phase, 'frozen', 'modules are put back');
  t.end();
});
