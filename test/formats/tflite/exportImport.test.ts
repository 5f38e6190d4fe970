/** Exported files read back: the importer's graph must compute the same floats and the same codes. */
import t from 'tap';
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { NDArray } from '../../../src/core/index.js';
import { decodeModel, encodeModel } from '../../../src/formats/index.js';
import { decodeTflite, exportTflite, importTflite } from '../../../src/formats/tflite/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../../src/quant/index.js';
import { GraphModule, trace } from '../../../src/trace/index.js';
import { codesAtEdges, codesFor, runSession } from '../../support/edges.js';
import {
  FLOAT_ONLY,
  floatInputs,
  floatResult,
  LAYER_CASES,
  quantized,
  type LayerCase,
} from '../../support/layerCases.js';
import { graphOf } from '../../support/graphs.js';
import { batches, normal, TinyCnn } from '../../support/models.js';

const TFLITE: QConfigOptions = {
  numerics: { numerics: 'fixed', rounding: 'double' },
  linearGranularity: 'per-tensor',
  concat: 'equal',
};
/** Ties of averages are rounded away from code 0, which is another number in uint8 than in int8. */
const TIES = /^(avgPool2d|resize bilinear)$/;

const title = ({ layer, setting }: LayerCase): string => `${layer} ${setting}`;

/** As the file has them: int8. */
const signed = (x: NDArray): NDArray =>
  x.dtype === 'uint8'
    ? new NDArray(
        Int8Array.from(x.data as Uint8Array, (v) => v - 128),
        x.shape,
      )
    : x;

t.test('float layers', (t) => {
  for (const layer of LAYER_CASES) {
    const inputs = floatInputs(layer, 1);
    const want = floatResult(layer, inputs);
    const { graph, kind } = importTflite(exportTflite(layer.graph).bytes);
    t.equal(kind, 'float');
    const feeds = new Map(graph.inputs.map((id, i) => [id, new Tensor(inputs[i])]));
    const got = noGrad(() => new GraphModule(graph).eval().runAll(feeds).get(graph.outputs[0])!.value);
    const numbers = Array.from(want.data as Float32Array);
    const largest = Math.max(...numbers.map(Math.abs));
    const off = numbers.findIndex((v, i) => !(Math.abs(v - Number(got.data[i])) <= 1e-6 * largest));
    t.equal(off, -1, title(layer));
    t.same(got.shape, want.shape);
  }
  t.end();
});

t.test('integer layers: the same codes', (t) => {
  for (const layer of LAYER_CASES)
    for (const isSigned of [true, false]) {
      // SiLU is two operators in a file
      if (FLOAT_ONLY.has(layer.layer) || layer.layer === 'unary silu') continue;
      const graph = codesAtEdges(quantized(layer, { ...TFLITE, signed: isSigned }));
      const inputs = codesFor(graph, 1);
      const [want] = runSession(graph, inputs, 1);
      const back = importTflite(exportTflite(graph).bytes);
      t.equal(back.kind, 'integer');
      const [got] = runSession(back.graph, inputs.map(signed), 1);
      const steps = Array.from(signed(want).data as Int8Array, (q, i) => Math.abs(q - Number(got.data[i])));
      const most = !isSigned && TIES.test(layer.layer) ? 1 : 0;
      t.ok(
        steps.every((step) => step <= most),
        `${title(layer)}, ${isSigned ? 'int8' : 'uint8'}`,
      );
    }
  t.end();
});

t.test('functions that are tables: those of the runtime', (t) => {
  for (const layer of LAYER_CASES) {
    if (!layer.layer.startsWith('unary')) continue;
    const graph = codesAtEdges(quantized(layer, TFLITE));
    const [{ tensors, operators }] = decodeTflite(
      exportTflite(graph, { functions: 'tables' }).bytes,
    ).subgraphs;
    t.same(
      operators.map(({ op }) => op),
      ['CAST', 'ADD', 'GATHER'],
    );
    const table = tensors[operators[2].inputs[0]].data as Int8Array;
    const [x] = codesFor(graph, 1);
    const [want] = runSession(graph, [x], 1);
    t.same(
      Array.from(x.data as Int8Array, (q) => table[q + 128]),
      Array.from(want.data),
      title(layer),
    );
    const back = importTflite(exportTflite(graph, { functions: 'tables' }).bytes).graph;
    t.same(
      back.nodes.map(({ op }) => op),
      ['lookup'],
    );
    t.same(runSession(back, [x], 1)[0].data, want.data, `${title(layer)}, read back`);
    const again = importTflite(exportTflite(decodeModel(encodeModel(back)).graph).bytes).graph;
    t.same(runSession(again, [x], 1)[0].data, want.data, `${title(layer)}, and again`);
  }
  t.end();
});

const shape = [1, 8, 8, 2];

function tiny(options: QConfigOptions) {
  return convert(
    calibrate(
      prepare(trace(new TinyCnn(), normal(shape)), ptqConfig({ ...TFLITE, ...options })),
      batches(2, shape),
    ),
  );
}

t.test('codes of fewer bits: clamped in the file as here', (t) => {
  for (const options of [
    { target: 'w8a7' },
    { weightBits: 4 },
    { weightBits: 4, activationBits: 5 },
  ] satisfies QConfigOptions[]) {
    const graph = tiny(options);
    const x = normal(shape, 3, 2).value;
    const [want] = runSession(graph, [x], 1);
    const back = importTflite(exportTflite(graph).bytes);
    t.equal(back.kind, 'integer');
    t.same(runSession(back.graph, [x], 1)[0].data, want.data, JSON.stringify(options));
  }
  t.end();
});

t.test('linear layers with a scale per channel, as convolutions: the same codes', (t) => {
  const graph = tiny({ linearGranularity: 'per-channel' });
  const x = normal(shape, 3).value;
  for (const perChannelLinear of ['convolution', 'fullyConnected'] as const) {
    const back = importTflite(exportTflite(graph, { perChannelLinear }).bytes);
    t.same(runSession(back.graph, [x], 1)[0].data, runSession(graph, [x], 1)[0].data, perChannelLinear);
  }
  t.end();
});

t.test('float and int8 at the edges', (t) => {
  const graph = tiny({});
  const x = normal(shape, 3).value;
  const codes = codesAtEdges(graph);
  const [want] = runSession(graph, [x], 1);
  const inside = importTflite(exportTflite(graph, { inputs: 'int8', outputs: 'int8' }).bytes);
  const given = codesFor(codes, 1);
  t.same(runSession(inside.graph, given, 1)[0].data, runSession(codes, given, 1)[0].data);
  const outside = importTflite(exportTflite(codes, { inputs: 'float32', outputs: 'float32' }).bytes);
  t.same(runSession(outside.graph, [x], 1)[0].data, want.data);
  t.end();
});

t.test('functions of other parameters than those of the operators', (t) => {
  const graph = graphOf({ x: [1, 5] }, {}, [
    { op: 'unary', id: 'y', inputs: ['x'], fn: 'elu', alpha: 0.7, beta: 0 },
  ]);
  const ops = decodeTflite(exportTflite(graph).bytes).subgraphs[0].operators.map(({ op }) => op);
  t.same(ops, ['MINIMUM', 'ELU', 'MUL', 'RELU', 'ADD']);
  const x = new Tensor(new NDArray(Float32Array.of(-3, -0.5, 0, 0.5, 3), [1, 5]));
  const [want, got] = [graph, importTflite(exportTflite(graph).bytes).graph].map((g) =>
    noGrad(() => Array.from(new GraphModule(g).eval().forward(x).value.data as Float32Array)),
  );
  t.ok(want.every((v, i) => Math.abs(v - got[i]) < 1e-6));
  t.end();
});

t.test('values of many axes are moved as values of few', (t) => {
  const zeros = [[0, 0]] as const;
  const graph = graphOf({ x: [1, 2, 3, 8] }, {}, [
    { op: 'reshape', id: 'apart', inputs: ['x'], shape: [1, 2, 3, 2, 2, 2] },
    { op: 'transpose', id: 'turned', inputs: ['apart'], perm: [0, 1, 3, 2, 4, 5] },
    {
      op: 'pad',
      id: 'padded',
      inputs: ['turned'],
      pads: [...zeros, ...zeros, ...zeros, ...zeros, [0, 1], ...zeros],
      value: 0,
    },
    {
      op: 'slice',
      id: 'y',
      inputs: ['padded'],
      start: [0, 0, 0, 2, 0, 0],
      step: [1, 1, 1, -1, 1, 1],
      count: [1, 2, 2, 3, 3, 2],
    },
  ]);
  const file = exportTflite(graph).bytes;
  const [{ operators, tensors }] = decodeTflite(file).subgraphs;
  const moves = operators.filter(({ op }) => op !== 'RESHAPE');
  t.same(
    moves.map(({ op }) => op),
    ['TRANSPOSE', 'PAD', 'STRIDED_SLICE'],
  );
  t.ok(moves.every(({ inputs }) => tensors[inputs[0]].shape.length <= 4));
  const x = new Tensor(
    new NDArray(
      Float32Array.from({ length: 48 }, (_, i) => i),
      [1, 2, 3, 8],
    ),
  );
  const [want, got] = [graph, importTflite(file).graph].map((g) =>
    noGrad(() => new GraphModule(g).eval().forward(x).value),
  );
  t.same(got.shape, want.shape);
  t.same(got.data, want.data);
  t.end();
});

t.test('a batch', (t) => {
  const graph = tiny({});
  const back = importTflite(exportTflite(graph, { batch: 3 }).bytes);
  const x = normal([3, 8, 8, 2], 5).value;
  t.same(back.inputs[0].shape, [3, 8, 8, 2]);
  t.same(runSession(back.graph, [x], 1)[0].data, runSession(graph, [x], 3)[0].data);
  t.end();
});
