/** The rules that runtimes have of files: how padding, groups, scales, biases, edges and metadata are written. */
import t from 'tap';
import { ArgumentError, NDArray, UnsupportedError } from '../../../src/core/index.js';
import type { Graph, Node, Padding } from '../../../src/graph/index.js';
import {
  decodeTflite,
  exportTflite,
  readTfliteMetadata,
  type TfliteExportOptions,
  type TfliteOperator,
  type TfliteTensor,
} from '../../../src/formats/tflite/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../../src/quant/index.js';
import { trace } from '../../../src/trace/index.js';
import { codesAtEdges, runSession } from '../../support/edges.js';
import { graphOf } from '../../support/graphs.js';
import { LAYER_CASES, quantized } from '../../support/layerCases.js';
import { batches, normal, TinyCnn } from '../../support/models.js';

interface File {
  readonly operators: readonly TfliteOperator[];
  readonly ops: readonly string[];
  readonly tensors: readonly TfliteTensor[];
  inputs(op: string): readonly TfliteTensor[];
  options(op: string): Readonly<Record<string, unknown>>;
  readonly edges: readonly TfliteTensor[];
}

function fileOf(graph: Graph, options: TfliteExportOptions = {}): File {
  const [{ operators, tensors, inputs, outputs }] = decodeTflite(
    exportTflite(graph, options).bytes,
  ).subgraphs;
  const find = (op: string): TfliteOperator => operators.find((operator) => operator.op === op)!;
  return {
    operators,
    tensors,
    ops: operators.map(({ op }) => op),
    inputs: (op) => find(op).inputs.map((index) => tensors[index]),
    options: (op) => (find(op) as { readonly options: object }).options as Readonly<Record<string, unknown>>,
    edges: [...inputs, ...outputs].map((index) => tensors[index]),
  };
}

const layer = (name: string, setting: string, options: QConfigOptions = {}): Graph =>
  codesAtEdges(
    quantized(
      LAYER_CASES.find((c) => c.layer === name && c.setting === setting)!,
      {
        linearGranularity: 'per-tensor',
        ...options,
      },
    ),
  );

const shape = [1, 8, 8, 2];
const tiny = (options: QConfigOptions = {}): Graph =>
  convert(
    calibrate(
      prepare(
        trace(new TinyCnn(), normal(shape)),
        ptqConfig({ linearGranularity: 'per-tensor', ...options }),
      ),
      batches(2, shape),
    ),
  );

/** A convolution of one channel over `size` pixels, 3x3 unless told otherwise. */
function padded(size: number, stride: number, padding: Padding, kernel = 3, dilation = 1): Graph {
  const weight = new NDArray(new Float32Array(kernel * kernel), [1, kernel, kernel, 1]);
  const node = {
    op: 'conv2d',
    id: 'y',
    inputs: ['x'],
    weight: 'w',
    bias: null,
    batchNorm: null,
    activation: 'none',
    stride: [stride, stride],
    padding,
    dilation: [dilation, dilation],
    groups: 1,
  } as Node;
  return graphOf({ x: [1, size, size, 1] }, { w: weight }, [node]);
}

t.test('padding: SAME and VALID where they are exact, PAD otherwise', (t) => {
  const cases: [Graph, string[], string][] = [
    [padded(8, 1, [1, 1, 1, 1]), ['CONV_2D'], 'SAME'],
    [padded(8, 1, [0, 0, 0, 0]), ['CONV_2D'], 'VALID'],
    [padded(8, 2, [0, 1, 0, 1]), ['CONV_2D'], 'SAME'],
    // of an even size, SAME begins at the first pixel
    [padded(8, 2, [1, 1, 1, 1]), ['PAD', 'CONV_2D'], 'VALID'],
    [padded(9, 2, [1, 1, 1, 1]), ['CONV_2D'], 'SAME'],
    // cells that no window reaches
    [padded(8, 4, [0, 1, 0, 1]), ['CONV_2D'], 'VALID'],
    [padded(8, 1, [2, 2, 2, 2], 3, 2), ['CONV_2D'], 'SAME'],
    [padded(8, 1, [2, 2, 2, 2]), ['PAD', 'CONV_2D'], 'VALID'],
    [padded(8, 1, [1, 2, 1, 2], 4), ['CONV_2D'], 'SAME'],
    [padded(8, 1, [2, 1, 2, 1], 4), ['PAD', 'CONV_2D'], 'VALID'],
    [padded(8, 1, [1, 1, 0, 0]), ['PAD', 'CONV_2D'], 'VALID'],
  ];
  for (const [graph, ops, padding] of cases) {
    const file = fileOf(graph);
    t.same(file.ops, ops);
    t.equal(file.options('CONV_2D')['padding'], padding);
  }
  t.same(fileOf(padded(8, 2, [1, 1, 1, 1])).inputs('PAD')[1].data, [0, 0, 1, 0, 1, 0, 0, 0]);
  t.end();
});

t.test('scales of weights and biases', (t) => {
  const conv = fileOf(layer('conv2d', '3x3'));
  const [x, w, bias] = conv.inputs('CONV_2D');
  t.equal(w.quantization!.quantizedDimension, 0);
  t.equal(w.quantization!.scale.length, 24);
  t.ok(w.quantization!.zeroPoint.every((z) => z === 0));
  t.equal(bias.dtype, 'int32');
  t.equal(bias.quantization!.quantizedDimension, 0);
  t.same(
    bias.quantization!.scale,
    w.quantization!.scale.map((s) => s * x.quantization!.scale[0]),
  );

  const depthwise = fileOf(layer('conv2d depthwise', 'two filters a channel'));
  const [, filter, offsets] = depthwise.inputs('DEPTHWISE_CONV_2D');
  t.same(filter.shape, [1, 3, 3, 24]);
  t.equal(filter.quantization!.quantizedDimension, 3);
  t.equal(offsets.quantization!.quantizedDimension, 0);
  t.equal(depthwise.options('DEPTHWISE_CONV_2D')['depthMultiplier'], 2);

  const zeros = fileOf(layer('conv2d', 'no bias')).inputs('CONV_2D')[2];
  t.same(zeros.data, new Int32Array(24), 'runtimes demand a bias');
  t.equal(fileOf(layer('conv2d', 'relu6')).options('CONV_2D')['activation'], 'RELU6');
  t.end();
});

t.test('groups become convolutions of parts', (t) => {
  const { ops, inputs } = fileOf(layer('conv2d', '4 groups'));
  t.same(ops, ['SPLIT', ...new Array<string>(4).fill('CONV_2D'), 'CONCATENATION']);
  t.same(inputs('CONV_2D')[1].shape, [6, 3, 3, 4]);
  t.end();
});

t.test('linear layers', (t) => {
  const perChannel = layer('linear', '64 to 10', { linearGranularity: 'per-channel' });
  t.throws(() => exportTflite(perChannel), {
    constructor: UnsupportedError,
    message: /node y: weight has a scale per channel.*linearGranularity: 'per-tensor'/,
  });
  t.same(fileOf(perChannel, { perChannelLinear: 'convolution' }).ops, ['RESHAPE', 'CONV_2D', 'RESHAPE']);
  const whole = fileOf(perChannel, { perChannelLinear: 'fullyConnected' });
  t.equal(whole.inputs('FULLY_CONNECTED')[1].quantization!.scale.length, 10);
  t.equal(fileOf(layer('linear', 'of three axes')).options('FULLY_CONNECTED')['keepNumDims'], true);
  t.end();
});

t.test('operators with scales of their own', (t) => {
  const joined = fileOf(layer('concat', 'channels'));
  const scales = joined.inputs('CONCATENATION').map((x) => x.quantization!.scale[0]);
  t.equal(new Set(scales).size, 1);
  t.ok(joined.ops.includes('QUANTIZE'));
  t.notOk(fileOf(layer('concat', 'channels', { concat: 'equal' })).ops.includes('QUANTIZE'));
  for (const [name, scale, zero] of [
    ['unary sigmoid', 1 / 256, -128],
    ['unary tanh', 1 / 128, 0],
  ] as const) {
    const { ops, edges } = fileOf(layer(name, ''));
    t.equal(ops.length, 1);
    t.same([edges[1].quantization!.scale[0], edges[1].quantization!.zeroPoint[0]], [scale, zero]);
  }
  const narrow = fileOf(layer('softmax', '10 classes', { target: 'w8a7' }));
  t.same(narrow.ops, ['SOFTMAX', 'QUANTIZE', 'MINIMUM'], 'other scales follow');
  t.equal(fileOf(layer('pad', 'zeros')).ops[0], 'PAD');
  t.equal(fileOf(layer('pad', '0.7')).ops[0], 'PADV2');
  t.end();
});

t.test('activations of uint8 are int8, 128 lower', (t) => {
  const graph = layer('conv2d', '3x3', { signed: false });
  const { edges } = fileOf(graph);
  const zero = graph.values.get(graph.inputs[0])!.qparams!.zeroPoint[0];
  t.equal(edges[0].dtype, 'int8');
  t.equal(edges[0].quantization!.zeroPoint[0], zero - 128);
  t.end();
});

t.test('what may differ is said', (t) => {
  const notes = (signed: boolean, numerics: Graph['numerics']) =>
    exportTflite(layer('avgPool2d', '2x2', { signed, numerics })).notes;
  const fixed = { numerics: 'fixed', rounding: 'double' } as const;
  t.match(notes(false, fixed), [/rounds in fixed point/, /halves of averages/]);
  t.equal(notes(true, fixed).length, 1);
  t.match(notes(false, { numerics: 'float' }), [/rounds in float/]);
  t.end();
});

t.test('edges', (t) => {
  const graph = tiny();
  const types = (options: TfliteExportOptions, g = graph) =>
    fileOf(g, options).edges.map(({ dtype }) => dtype);
  t.same(types({}), ['float32', 'float32']);
  t.same(types({ inputs: 'int8', outputs: 'int8' }), ['int8', 'int8']);
  t.same(types({ inputs: 'int8' }), ['int8', 'float32']);
  t.same(types({ outputs: 'float32', inputs: 'float32' }, codesAtEdges(graph)), ['float32', 'float32']);
  const float = trace(new TinyCnn(), normal(shape));
  t.throws(() => exportTflite(float, { inputs: 'int8' }), ArgumentError);
  t.throws(() => exportTflite(float, { outputs: 'int8' }), ArgumentError);
  t.throws(() => exportTflite(float, { batch: 0 }), ArgumentError);
  t.same(fileOf(float, { batch: 4 }).edges[0].shape, [4, 8, 8, 2]);
  const twice = { ...float, outputs: [...float.outputs, float.outputs[0]] };
  t.equal(
    new Set(fileOf(twice).edges.map(({ name }) => name)).size,
    3,
    'each output has a tensor of its own',
  );
  t.end();
});

t.test('what a file says about itself', (t) => {
  const graph = tiny();
  const x = normal(shape, 2).value;
  const [y] = runSession(graph, [x], 1);
  const selfTest = { inputs: new Map([[graph.inputs[0], x]]), outputs: new Map([[graph.outputs[0], y]]) };
  const info = { labels: ['a', 'é'], normalization: { mean: [0.5], std: [0.25] } };
  const { bytes, notes } = exportTflite(graph, { info, selfTest, inputs: 'int8', outputs: 'int8' });
  const { metadata, signatureDefs, subgraphs } = decodeTflite(bytes);
  const read = readTfliteMetadata(metadata);
  t.same(read.labels, info.labels);
  t.same(read.normalization, info.normalization);
  const codes = codesAtEdges(graph);
  const test = read.selfTest!;
  const [[input, given], [output, wanted]] = [...test.inputs, ...test.outputs];
  t.same(runSession(codes, [given], 1)[0].data, wanted.data, 'as the file has it: in codes');
  const [signature] = signatureDefs;
  t.equal(signature.key, 'serving_default');
  t.same([signature.inputs[0].name, signature.outputs[0].name], [input, output]);
  t.equal(subgraphs[0].tensors[signature.inputs[0].tensor].name, input);
  t.match(notes, [/rounds in float, as XNNPACK/]);
  t.same(exportTflite(trace(new TinyCnn(), normal(shape))).notes, []);
  t.throws(
    () => exportTflite(graph, { selfTest: { inputs: new Map([['z', x]]), outputs: new Map() } }),
    /selfTest: z is none of/,
  );
  t.throws(
    () => exportTflite(graph, { selfTest: { inputs: new Map(), outputs: new Map() } }),
    /selfTest: .* needs 128 elements of float32/,
  );
  t.end();
});

t.test('what has no form in TFLite', (t) => {
  const pool: Node = {
    op: 'avgPool2d',
    id: 'y',
    inputs: ['x'],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [2, 2, 2, 2],
    countIncludePad: false,
  };
  t.throws(() => exportTflite(graphOf({ x: [1, 8, 8, 2] }, {}, [pool])), {
    constructor: UnsupportedError,
    message: /node y: an average pool with padding.*countIncludePad: true/,
  });
  t.end();
});
