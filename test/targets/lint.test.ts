/** Each rule broken once: it is found, where it is, with its fix and its page. */
import t, { type Test } from 'tap';
import { NDArray, perTensor, quantRange, type QParams } from '../../src/core/index.js';
import type { Graph, Node, Param, Value, ValueId } from '../../src/graph/index.js';
import { observedRanges, type QConfigOptions } from '../../src/quant/index.js';
import { lint, TARGETS, type LintOptions, type TargetName, type Violation } from '../../src/targets/index.js';
import { array, graphOf, importedOps } from '../support/graphs.js';
import { conv, one, pool, quantized, smallNet } from './nets.js';

const integersOf = (options: QConfigOptions = {}, graph = smallNet()): Graph =>
  quantized(graph, options).integers;

function withValue(graph: Graph, id: ValueId, change: Partial<Value>): Graph {
  return { ...graph, values: new Map(graph.values).set(id, { ...graph.values.get(id)!, ...change }) };
}

function withParam(graph: Graph, id: string, change: (param: Param) => Partial<Param>): Graph {
  const param = graph.params.get(id)!;
  return { ...graph, params: new Map(graph.params).set(id, { ...param, ...change(param) }) };
}

/** A copy of the codes with one of them changed. */
function withCode({ array }: Param, index: number, code: number): NDArray {
  const copy = array.clone();
  copy.data[index] = code;
  return copy;
}

const int8 = quantRange(8);

/** The violations of one rule; each has what a report needs. */
function found(t: Test, graph: Graph, target: TargetName, rule: string, options?: LintOptions): Violation[] {
  const all = lint(graph, target, options).filter((v) => v.rule === rule);
  t.ok(all.length > 0, `${target}: ${rule} is found`);
  for (const { message, fix } of all) {
    t.ok(message.length > 10, message);
    t.ok(fix.length > 7, fix);
  }
  return all;
}

function clean(t: Test, graph: Graph, target: TargetName, rule: string, options?: LintOptions): void {
  t.same(
    lint(graph, target, options).filter((v) => v.rule === rule),
    [],
    `${target}: no ${rule}`,
  );
}

t.test('ops and functions that a target does not have', (t) => {
  const gather = graphOf({ x: [1, 4] }, {}, [one('g', 'gather', 'x', { axis: 1, indices: [0, 2] })]);
  const [op] = found(t, gather, 'edgetpu', 'op');
  t.match(op, { node: 'g', severity: 'error', source: { url: /coral/ }, fix: /slices/ });
  t.match(op.message, /gather is not among the ops that Edge TPU/);
  clean(t, gather, 'tflite', 'op');

  const unary = (fn: string): Graph =>
    graphOf({ x: [1, 4] }, {}, [one('u', 'unary', 'x', { fn, alpha: 0.1, beta: 0 })]);
  t.match(found(t, unary('hardswish'), 'edgetpu', 'op')[0], { message: /unary hardswish/, fix: /relu6/ });
  clean(t, unary('hardswish'), 'tflite-micro', 'op');
  found(t, unary('softplus'), 'tflite', 'op');
  found(t, unary('exp'), 'tflite-micro', 'op');
  found(t, unary('softplus'), 'qnn', 'op');
  for (const target of ['onnxruntime', 'openvino', 'tensorrt', 'w8a7'] as const)
    clean(t, unary('softplus'), target, 'op');

  const least = graphOf({ x: [1, 4, 4, 2] }, {}, [
    one('r', 'reduce', 'x', { fn: 'min', axes: [1, 2], keepdim: false }),
  ]);
  t.match(found(t, least, 'tflite-micro', 'op')[0], { message: /reduce min/, fix: /mean or sum or max/ });
  const divided = graphOf({ x: [1, 4] }, {}, [
    { op: 'div', id: 'd', inputs: ['x', 'x'], activation: 'none' },
  ]);
  for (const target of ['tflite', 'edgetpu', 'w8a7'] as const) found(t, divided, target, 'op');
  t.ok(lint(importedOps(), 'edgetpu').length > 5);
  t.end();
});

t.test('limits of ops on the Edge TPU', (t) => {
  const broken = (nodes: readonly Node[], rule: string, x = [1, 6, 6, 2], params = {}): Violation =>
    found(t, graphOf({ x }, params, nodes), 'edgetpu', rule)[0];
  const dilated = { dilation: [2, 1], padding: [2, 2, 1, 1] };
  const w = { w: array(4, 3, 3, 2) };
  t.match(broken([conv('c', 'x', 'w', dilated)], 'dilation', undefined, w).message, /2 by 1/);
  const grouped = broken([conv('c', 'x', 'w', { groups: 2 })], 'groups', [1, 6, 6, 4], w);
  t.match(grouped, { severity: 'warning', message: /2 groups/ });
  const wide = { ...pool, dilation: [2, 2] };
  t.equal(broken([one('m', 'maxPool2d', 'x', wide)], 'dilation').severity, 'error');
  t.match(broken([one('s', 'softmax', 'x', { beta: 1 })], 'softmax-size').message, /only one row/);
  t.match(broken([one('s', 'softmax', 'x', { beta: 1 })], 'softmax-size', [1, 16001]).message, /16001/);
  clean(
    t,
    graphOf({ x: [1, 16000] }, {}, [one('s', 'softmax', 'x', { beta: 1 })]),
    'edgetpu',
    'softmax-size',
  );
  const linear = { op: 'linear', id: 'l', inputs: ['x'], weight: 'w', bias: null } as const;
  const rows = [{ ...linear, batchNorm: null, activation: 'none' }] as const;
  t.match(broken(rows, 'linear-rank', [1, 3, 2], { w: array(4, 2) }).message, /one row/);
  const mean = { fn: 'mean', axes: [3], keepdim: true };
  t.match(broken([one('r', 'reduce', 'x', mean)], 'reduce-axes').message, /2 channels/);
  const pads = [[0, 0], [1, 1], [0, 0], [0, 0]]; // prettier-ignore
  t.match(broken([one('p', 'pad', 'x', { pads, value: 1 })], 'padding').message, /with 1/);
  const steps = { start: [0, 0, 0, 0], step: [1, 2, 1, 1], count: [1, 3, 6, 2] };
  t.match(broken([one('s', 'slice', 'x', steps)], 'slice-steps').message, /1, 2, 1, 1/);
  const size = { size: [9, 9], mode: 'bilinear', coordinates: 'halfPixel' };
  t.equal(broken([one('z', 'resize', 'x', size)], 'resize-size').severity, 'note');
  const joined = graphOf({ x: [1, 6] }, { k: array(1, 6) }, [
    { op: 'constant', id: 'k1', inputs: [], param: 'k' },
    { op: 'concat', id: 'j', inputs: ['x', 'k1'], axis: 1 },
  ], 'fixed'); // prettier-ignore
  t.match(found(t, joined, 'edgetpu', 'concat-constant')[0].message, /k1/);
  const zeros = withParam(joined, 'k', () => ({ array: NDArray.zeros([1, 6], 'float32') }));
  clean(t, zeros, 'edgetpu', 'concat-constant');
  t.end();
});

t.test('sizes: unknown ones, and more axes than a target has', (t) => {
  const unknown = withValue(smallNet(), 'conv', { shape: [1, -1, 8, 4] });
  t.match(found(t, unknown, 'qnn', 'static-shape')[0], { value: 'conv', message: /\[1, -1, 8, 4\]/ });
  clean(t, unknown, 'onnxruntime', 'static-shape');
  clean(t, smallNet(), 'qnn', 'static-shape');
  const batch = graphOf({ x: [2, 4, 4, 1] }, {}, [one('m', 'maxPool2d', 'x', pool)], 'fixed');
  t.match(found(t, batch, 'edgetpu', 'axes')[0], { value: 'x', message: /last 3 axes/ });
  t.end();
});

t.test('codes of values: width, sign, zero point', (t) => {
  const narrow = integersOf({ activationBits: 6 });
  t.match(found(t, narrow, 'tflite', 'activation-bits')[0].message, /6 bits, from -32 to 31; .* takes 8/);
  const sevenBits = integersOf({ target: 'w8a7' });
  found(t, sevenBits, 'onnxruntime', 'activation-bits');
  t.match(found(t, sevenBits, 'tflite', 'signedness')[0].message, /unsigned; .* signed ones/);
  t.match(found(t, integersOf(), 'qnn', 'signedness')[0], { value: 'x/quantize', source: { url: /QNN/ } });
  const zero = found(t, integersOf(), 'tensorrt', 'zero-point');
  t.ok(zero.length > 3);
  t.match(zero[0].message, /its zero point is -?\d+; TensorRT \(Jetson\) takes 0 only/);
  const values = new Set(zero.map((v) => v.value));
  t.notOk(values.has('max'), 'said of the value whose codes it moves');
  t.end();
});

t.test('fixed scales, and pools whose scales differ', (t) => {
  const graph = integersOf({ target: 'tflite' });
  for (const id of ['softmax', 'gate']) {
    const other = withValue(graph, id, { qparams: perTensor(1 / 128, 0, int8) });
    const [violation] = found(t, other, 'tflite', 'fixed-output');
    t.match(violation, {
      node: id,
      message: /scale 0.007813, zero point 0; .* scale 1\/256, zero point -128/,
    });
    clean(t, other, 'onnxruntime', 'fixed-output');
  }
  const pools = withValue(graph, 'average', { qparams: perTensor(1, 0, int8) });
  t.match(found(t, pools, 'tflite', 'same-scale')[0], { node: 'average', message: /input concat/ });
  clean(t, pools, 'onnxruntime', 'same-scale');
  t.end();
});

t.test('float inside an integer network', (t) => {
  const graph = integersOf({ target: 'tflite' });
  const island = withValue(graph, 'gate', { qparams: null });
  t.match(found(t, island, 'edgetpu', 'float-island')[0], { node: 'gate', severity: 'error' });
  t.equal(found(t, island, 'onnxruntime', 'float-island')[0].severity, 'warning');
  clean(t, graph, 'edgetpu', 'float-island');
  t.equal(found(t, smallNet(), 'edgetpu', 'float-model')[0].severity, 'note');
  clean(t, smallNet(), 'onnxruntime', 'float-model');
  t.end();
});

t.test('concatenations: one scale, and ranges far apart', (t) => {
  const graph = graphOf({ x: [1, 4, 4, 2] }, { a: array(2, 3, 3, 2), b: array(2, 3, 3, 2) }, [
    conv('small', 'x', 'a'),
    conv('large', 'x', 'b'),
    { op: 'concat', id: 'both', inputs: ['small', 'large'], axis: 3 },
  ]);
  for (let i = 0; i < 36; i++) graph.params.get('b')!.array.data[i] *= 100;
  const free = integersOf({ target: 'onnxruntime' }, graph);
  t.match(found(t, free, 'tflite', 'concat-scales')[0], { node: 'both', message: /input small/ });
  const [far] = found(t, free, 'onnxruntime', 'concat-ranges');
  t.match(far, { node: 'both', severity: 'warning' });
  const [, ratio, left] = /is ([\d.]+) times that of small .* leaves ([\d.]+) of 8 bits/.exec(far.message)!;
  const scale = (id: ValueId): number => free.values.get(id)!.qparams!.scale[0];
  t.ok(Math.abs(Number(ratio) / (scale('large') / scale('small')) - 1) < 0.01, `ratio ${ratio}`);
  t.ok(Math.abs(Number(left) - (8 - Math.log2(Number(ratio)))) < 0.06, `${left} bits`);

  const { module, integers } = quantized(graph, { target: 'tflite' });
  clean(t, integers, 'tflite', 'concat-scales');
  clean(t, integers, 'tflite', 'concat-ranges'); // codes of one scale no longer show it
  const ranges = observedRanges(module);
  t.equal(found(t, integers, 'tflite', 'concat-ranges', { ranges })[0].message, far.message);
  t.end();
});

t.test('a sigmoid beside a large range is seen through its rescaling', (t) => {
  const graph = graphOf({ x: [1, 4, 4, 2] }, { a: array(2, 3, 3, 2) }, [
    conv('large', 'x', 'a'),
    one('gate', 'unary', 'large', { fn: 'sigmoid', alpha: 0, beta: 0 }),
    { op: 'concat', id: 'both', inputs: ['gate', 'large'], axis: 3 },
  ]);
  for (let i = 0; i < 36; i++) graph.params.get('a')!.array.data[i] *= 100;
  const { integers } = quantized(graph, { target: 'tflite' });
  t.match(
    found(t, integers, 'tflite', 'concat-ranges')[0].message,
    /range of large .* gate.rescaled \(0.996\)/,
  );
  t.end();
});

t.test('weights: scales, zero points, widths, the lowest code, saturation', (t) => {
  const graph = integersOf();
  const [many] = found(t, graph, 'tflite', 'weight-granularity');
  t.match(many, { node: 'linear', value: 'w3', message: /5 scales; for linear .* takes per-tensor/ });
  const shifted = withParam(graph, 'w1', ({ qparams }) => ({
    qparams: { ...qparams!, zeroPoint: Int32Array.of(0, 3, 0, 0) },
  }));
  t.match(found(t, shifted, 'tflite', 'weight-zero-point')[0], { node: 'conv', message: /zero point 3/ });
  const six = integersOf({ weightBits: 6 });
  t.equal(found(t, six, 'tflite', 'weight-bits')[0].severity, 'warning');
  clean(t, integersOf({ weightBits: 4, target: 'tflite' }), 'tflite', 'weight-bits');
  const low = withParam(graph, 'w1', (param) => ({
    array: withCode(param, 0, -128),
    qparams: { ...param.qparams!, quantMin: -128 },
  }));
  t.match(found(t, low, 'tflite', 'weight-range')[0], {
    value: 'w1',
    message: /1 code .* -128, outside -127/,
  });
  clean(t, low, 'onnxruntime', 'weight-range');
  const [saturates] = found(t, graph, 'openvino', 'saturation');
  t.match(saturates, { severity: 'note', message: /conv, depthwise, linear/, fix: /7 bits/ });
  clean(t, integersOf({ target: 'openvino', weightBits: 7 }), 'openvino', 'saturation');
  t.end();
});

t.test('biases: in float, of another scale, beyond 32 bits, larger than the weights allow', (t) => {
  const graph = integersOf();
  t.match(
    found(
      t,
      withParam(graph, 'b1', () => ({ qparams: null })),
      'tflite',
      'bias',
    )[0],
    { value: 'b1' },
  );
  const scaled = withParam(graph, 'b1', ({ qparams }) => ({
    qparams: { ...qparams!, scale: qparams!.scale.map((s, c) => (c === 2 ? s * 1.01 : s)) } as QParams,
  }));
  t.match(found(t, scaled, 'onnxruntime', 'bias-scale')[0], { node: 'conv', message: /channel 2/ });
  const beyond = withParam(graph, 'b1', (param) => ({ array: withCode(param, 1, 2 ** 31 - 1) }));
  const [overflow] = found(t, beyond, 'tflite', 'bias-overflow');
  t.match(overflow, { severity: 'error', message: /channel 1 can reach 2147\d+, beyond 32 bits/ });

  const tiny = smallNet();
  const [w, b] = ['w1', 'b1'].map((id) => tiny.params.get(id)!.array.data);
  for (let i = 0; i < 27; i++) w[i] *= 1e-9;
  b[0] = 50;
  const [limited] = found(t, integersOf({}, tiny), 'tflite', 'bias-limited');
  t.match(limited, {
    node: 'conv',
    severity: 'warning',
    message: /1 channel \(0\) .* leaves \d\.\d of 8 bits/,
  });
  clean(t, graph, 'tflite', 'bias-limited');
  t.end();
});

t.test('another arithmetic', (t) => {
  const graph = integersOf();
  const [numerics] = found(t, graph, 'tflite-micro', 'numerics');
  t.match(numerics, { severity: 'warning', message: /in float; .* fixed, double rounding or fixed, single/ });
  t.equal(numerics.node ?? numerics.value, undefined, 'it is the whole graph');
  clean(t, graph, 'tflite', 'numerics');
  clean(t, smallNet(), 'tflite-micro', 'numerics');
  t.end();
});

t.test('every rule of every target that can break is broken above; errors come first', (t) => {
  const rules = new Set(
    Object.values(TARGETS).flatMap(({ ops }) =>
      Object.values(ops).flatMap(({ constraints }) => (constraints ?? []).map(({ rule }) => rule)),
    ),
  );
  t.same(
    [...rules].sort(),
    ['concat-constant', 'dilation', 'groups', 'linear-rank', 'padding', 'reduce-axes']
      .concat(['resize-size', 'same-scale', 'slice-steps', 'softmax-size'])
      .sort(),
    'a constraint that is added here needs a test',
  );
  const order = lint(integersOf({ activationBits: 6 }), 'edgetpu').map((v) => v.severity);
  t.same(
    order,
    [...order].sort(
      (a, b) => ['error', 'warning', 'note'].indexOf(a) - ['error', 'warning', 'note'].indexOf(b),
    ),
  );
  t.ok(new Set(order).size > 1);
  t.throws(() => lint(smallNet(), 'npu' as TargetName), { name: 'QuantizationError', message: /npu/ });
  t.end();
});
