/** What the bench writes: ONNX models for peers, the page, the tables. */
import t from 'tap';
import { onnxConv, onnxGemm } from '../../bench/onnx/layers.js';
import { channelsFirst } from '../../bench/onnx/layout.js';
import { renderPage } from '../../bench/report/page.js';
import { formatChanges, formatResults, formatTargets } from '../../bench/report/table.js';
import { compareRuns } from '../../bench/compare.js';
import { convCases } from '../../bench/suites/conv.js';
import { gemmCases } from '../../bench/suites/gemm.js';
import { modelCases } from '../../bench/suites/models.js';
import { evaluate } from '../../bench/targets.js';
import type { BenchFile } from '../../bench/types.js';
import { decodeModel } from '../../src/formats/index.js';
import { decodeOnnx, exportOnnx, type OnnxGraph } from '../../src/formats/onnx/index.js';
import { result } from './samples.js';

const graphOf = (bytes: Uint8Array): OnnxGraph => decodeOnnx(bytes).graph;
const ops = ({ nodes }: OnnxGraph): string[] => nodes.map(({ opType }) => opType);

t.test('layouts: channels first, and back', (t) => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const first = channelsFirst(data, 2, 3, 2);
  t.strictSame([...first], [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  t.strictSame(channelsFirst(first, 2, 2, 3), data);
  t.end();
});

t.test('layers as ONNX models', (t) => {
  const [float, int8] = gemmCases(true, (shape) => shape === 'gemm 128');
  t.strictSame(ops(graphOf(onnxGemm(float).bytes)), ['MatMul']);
  const graph = graphOf(onnxGemm(int8).bytes);
  t.strictSame(ops(graph), ['QLinearMatMul']);
  const [{ inputs }] = graph.nodes;
  t.equal(inputs.length, 8);
  t.equal(inputs[0], graph.inputs[0].name);
  for (const name of inputs.slice(1)) t.ok(graph.initializers.has(name), `${name} is a constant`);
  const weight = graph.initializers.get(inputs[3])!;
  t.same([weight.dtype, weight.dims], ['int8', [128, 128]]);
  t.equal(weight.data[128], int8.w[1], 'w[1, 0] is b[0, 1]');
  t.equal(weight.data[1], int8.w[128]);

  const [, conv] = convCases(true, (shape) => shape.startsWith('conv 3x3'));
  const layer = onnxConv(conv);
  t.strictSame(ops(graphOf(layer.bytes)), ['QLinearConv']);
  t.strictSame(layer.inputShape, [1, 64, 56, 56]);
  t.end();
});

t.test('networks: the files that peers get, float and in integers', (t) => {
  const [float, int8] = modelCases(false, (shape) => shape.startsWith('plain'));
  const plain = ops(graphOf(exportOnnx(decodeModel(float.file).graph, { batch: 1 }).bytes));
  const block = ['Conv', 'Relu', 'MaxPool'];
  t.strictSame(plain, [...block, ...block, ...block, 'Reshape', 'Gemm']);
  const quantized = ops(graphOf(exportOnnx(decodeModel(int8.file).graph, { batch: 1 }).bytes));
  t.strictSame(
    quantized.filter((op) => !/^(Dequantize|Quantize)Linear$/.test(op)),
    plain,
  );
  t.ok(float.ops > 1e6 && float.ops === int8.ops);
  t.end();
});

const results = [
  result({ median_ms: 2 }),
  result({ dtype: 'u8s8', kernel: 'a<b' }),
  result({ impl: 'onnxruntime-web', median_ms: 3 }),
  result({
    impl: 'onnxruntime-node',
    node: null,
    dtype: 'u8s8',
    verified: false,
    note: '7 of 9 <codes> differ',
  }),
  result({ suite: 'accuracy', shape: 'plain float', top1: 0.9 }),
];
const file: BenchFile = {
  machine: { cpu: 'A & B', cores: 2, memory_gb: 8, os: 'linux', clock: 'wall' },
  node: 'v20.0.0',
  date: '2026-01-02T03:04:05Z',
  versions: { 'onnxruntime-web': '1.2.3' },
  peak: [{ node: 'node 20', f32_gops: 40, int8_gops: 80, bandwidth: 10 }],
  results,
  missing: ['mathjs: not installed'],
  slower: ['depthwise: INT8 takes 2 times as long'],
};
const earlier = compareRuns(results, [result({ median_ms: 1 })]);

t.test('the page is whole, escaped, and loads nothing', async (t) => {
  const page = await renderPage(file, evaluate(results), earlier);
  for (const text of [
    'A &amp; B',
    'Roofline',
    'INT8 against FP32',
    'Against peers',
    'Latency against accuracy',
  ])
    t.ok(page.includes(text), text);
  t.match(page, /7 of 9 &lt;codes&gt; differ/);
  t.match(page, /depthwise: INT8 takes 2 times as long/);
  t.match(page, /1\.50 of 1\.6/);
  t.equal(page.match(/<svg/g)?.length, 5);
  t.notMatch(page, /NaN|undefined|<script|src=|@import|href="http/);
  const bare = await renderPage(file, [], [], null);
  t.notMatch(bare, /<svg|Targets/);
  t.match(bare, /vega/);
});

t.test('tables for the terminal', (t) => {
  const text = formatResults(results.slice(1, 4));
  t.match(text, /octograd wasm +node 20 +1\.00 +± 0\.010 +10\.00 +50 %/);
  t.match(text, /native .* WRONG/);
  t.match(text, /onnxruntime-node is wrong: 7 of 9 <codes> differ/);
  t.match(formatTargets(evaluate(results)), /FP32 GEMM \/ onnxruntime-web +✗ 1\.50 of 1\.6/);
  t.notMatch(formatTargets(evaluate(results)), /tfjs/);
  t.match(formatChanges(earlier), /1 results compared .* 1 changed/);
  t.match(formatChanges(earlier), /gemm 512, f32 .* 0\.50 x/);
  t.end();
});
