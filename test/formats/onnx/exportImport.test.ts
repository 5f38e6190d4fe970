/**
 * Exported files read back: by the importer, whose graph must compute the same floats and the same codes, and by its
 * arithmetic of ONNX's integer operators; and files of another writer, which come out of both with the constants they had.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { permuteArray, type NDArray } from '../../../src/core/index.js';
import {
  decodeOnnx,
  evaluateOnnx,
  exportOnnx,
  importOnnx,
  type OnnxGraph,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { GraphModule } from '../../../src/trace/index.js';
import { codesAtEdges, codesFor, runSession } from '../../support/edges.js';
import { FLOAT_ONLY, floatInputs, floatResult, LAYER_CASES, quantized } from '../../support/layerCases.js';

const BATCH = 2;
/** Rows of several images are one axis in the file, so the importer fixes the batch. */
const batchOf = (setting: string): number => (setting === 'of three axes' ? 1 : BATCH);

t.test('float layers', (t) => {
  for (const layer of LAYER_CASES) {
    const inputs = floatInputs(layer, batchOf(layer.setting));
    const want = floatResult(layer, inputs);
    const { graph, ...back } = importOnnx(exportOnnx(layer.graph, { layout: 'nhwc' }).bytes);
    const feeds = new Map(back.inputs.map(({ id }, i) => [id, new Tensor(inputs[i])]));
    const got = noGrad(() => new GraphModule(graph).eval().runAll(feeds).get(back.outputs[0].id)!.value);
    const floats = want.data as Float32Array;
    const largest = floats.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const off = floats.findIndex((v, i) => !(Math.abs(v - got.data[i]) <= 2e-6 * largest));
    t.equal(off, -1, `${layer.layer} ${layer.setting}`);
    t.same(got.shape, want.shape);
  }
  t.end();
});

t.test('integer layers: the same codes', (t) => {
  let integer = 0;
  for (const layer of LAYER_CASES)
    for (const [style, signed] of [
      ['qdq', true],
      ['qoperator', false],
    ] as const) {
      if (FLOAT_ONLY.has(layer.layer)) continue;
      const batch = batchOf(layer.setting);
      const graph = quantized(layer, { signed });
      const inputs = floatInputs(layer, batch);
      const [want] = runSession(graph, inputs, batch);
      const back = importOnnx(exportOnnx(graph, { layout: 'nhwc', style }).bytes);
      const { nodes, values } = back.graph;
      // What is turned as floats, behind the last layer, is for a GraphModule.
      const turned = nodes.some(({ op, id }) => op === 'transpose' && values.get(id)!.qparams === null);
      if (back.kind !== 'integer' || turned) continue;
      integer++;
      const [got] = runSession(back.graph, inputs, batch);
      t.same(got.data, want.data, `${layer.layer} ${layer.setting}, ${style}, ${signed ? 'int8' : 'uint8'}`);
    }
  t.ok(integer > 130, `${integer} of them come back as integer networks`);
  t.end();
});

t.test("layers as QLinearConv and QLinearMatMul, by ONNX's own arithmetic: the codes of the runtime", (t) => {
  for (const layer of LAYER_CASES) {
    if (!['conv2d', 'conv2d depthwise', 'linear'].includes(layer.layer)) continue;
    if (layer.setting === 'of an image') continue; // behind a float operator
    const graph = codesAtEdges(quantized(layer));
    const inputs = codesFor(graph, BATCH);
    const [want] = runSession(graph, inputs, BATCH);
    const { bytes } = exportOnnx(graph, { layout: 'nhwc', style: 'qoperator', batch: BATCH });
    const feeds = graph.inputs.map((name, i): [string, OnnxTensor] => {
      const { data, shape } = inputs[i];
      return [name, { name, dtype: 'int8', dims: shape, data: data as Int8Array }];
    });
    const [got] = evaluateOnnx(bytes, new Map(feeds)).values();
    t.same(got.data, want.data, `${layer.layer} ${layer.setting}`);
  }
  t.end();
});

const golden = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(join(process.cwd(), 'test/golden/onnx_q/models', `${name}.onnx`)));

/** Operators without those that move elements and what quantizes around them. */
function skeleton({ nodes }: OnnxGraph): string {
  const ops = nodes.map(({ opType }) => opType).filter((op) => op !== 'Identity');
  return ops
    .join(' ')
    .replace(/ (Flatten|Reshape)(?= (DequantizeLinear|QuantizeLinear DequantizeLinear))/g, '')
    .replace(/(QuantizeLinear DequantizeLinear )\1/g, '$1');
}

/** Constants with their elements, shapes of Reshape left out. */
const constants = ({ initializers }: OnnxGraph): string[] =>
  [...initializers.values()]
    .filter(({ dtype }) => dtype !== 'int64')
    .map(({ dtype, dims, data }) => `${dtype} [${dims.join()}] ${data.join()}`);

t.test('files of another writer keep their operators and constants', (t) => {
  const cases = [
    ['qlinearconv__int8_per_channel', 'qoperator'],
    ['qlinearconv__uint8_int8', 'qoperator'],
    ['qlinearconv__int8_depthwise', 'qoperator'],
    ['qlinearconv__int8_group2_nobias', 'qoperator'],
    ['qdq__cnn_int8', 'qdq'],
    ['qdq__cnn_uint8_batch3', 'qdq'],
  ] as const;
  for (const [name, style] of cases) {
    const bytes = golden(name);
    const there = decodeOnnx(bytes).graph;
    const here = decodeOnnx(exportOnnx(importOnnx(bytes).graph, { style }).bytes).graph;
    t.equal(skeleton(here), skeleton(there), name);
    // each once: equal scales are written once here
    t.same([...new Set(constants(here))].sort(), [...new Set(constants(there))].sort(), name);
  }
  t.end();
});

t.test('the default layout comes in as images here', (t) => {
  const layer = LAYER_CASES.find(({ layer, setting }) => layer === 'linear' && setting === 'of an image')!;
  const [x] = floatInputs(layer, 1);
  const want = floatResult(layer, [x]);
  const { graph, inputs, outputs } = importOnnx(exportOnnx(layer.graph).bytes, { layout: 'keep' });
  t.same(inputs[0].shape, [1, 4, 5, 6]);
  const feed: NDArray = permuteArray(x, [0, 3, 1, 2]);
  const got = noGrad(() =>
    new GraphModule(graph)
      .eval()
      .runAll(new Map([[inputs[0].id, new Tensor(feed)]]))
      .get(outputs[0].id)!,
  );
  got.value.data.forEach((v: number, i: number) => t.ok(Math.abs(v - want.data[i]) < 1e-5));
  t.end();
});
