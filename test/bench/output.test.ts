/** What the bench writes: ONNX models for peers, the page, the tables. */
import t from 'tap';
import { onnxGraph } from '../../bench/onnx/graph.js';
import { onnxConv, onnxGemm } from '../../bench/onnx/layers.js';
import { channelsFirst } from '../../bench/onnx/layout.js';
import { message } from '../../bench/onnx/protobuf.js';
import { renderPage } from '../../bench/report/page.js';
import { formatChanges, formatResults, formatTargets } from '../../bench/report/table.js';
import { compareRuns } from '../../bench/compare.js';
import { convCases } from '../../bench/suites/conv.js';
import { gemmCases } from '../../bench/suites/gemm.js';
import { modelCases } from '../../bench/suites/models.js';
import { evaluate } from '../../bench/targets.js';
import type { BenchFile } from '../../bench/types.js';
import { decodeModel } from '../../src/formats/index.js';
import { result } from './samples.js';

type Message = Map<number, (bigint | Uint8Array)[]>;

/** Reads the wire format back: varints and fields with a length; 32-bit fields are skipped. */
function read(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    let value: bigint | Uint8Array = 0n;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 5) at += 4;
    else {
      const length = Number(varint());
      value = bytes.subarray(at, at + length);
      at += length;
    }
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}
const messages = (m: Message, field: number): Message[] =>
  (m.get(field) ?? []).map((b) => read(b as Uint8Array));
const texts = (m: Message, field: number): string[] =>
  (m.get(field) ?? []).map((b) => new TextDecoder().decode(b as Uint8Array));
const graphOf = (model: Uint8Array): Message => messages(read(model), 7)[0];
const ops = (graph: Message): string[] => messages(graph, 1).map((node) => texts(node, 4)[0]);

t.test('the wire format, byte by byte', (t) => {
  // Examples of protobuf.dev: field 1 = 150, field 2 = "testing".
  t.strictSame(message([[1, 150]]), Uint8Array.of(0x08, 0x96, 0x01));
  t.strictSame(message([[2, 'testing']]), Uint8Array.from([0x12, 7, ...new TextEncoder().encode('testing')]));
  t.strictSame(message([[1, -1]]), Uint8Array.of(8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1));
  t.strictSame(message([[3, { float: 1 }]]), Uint8Array.of(0x1d, 0, 0, 0x80, 0x3f));
  t.end();
});

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
  const [node] = messages(graph, 1);
  const initializers = new Map(messages(graph, 5).map((i) => [texts(i, 8)[0], i]));
  const inputs = texts(node, 1);
  t.equal(inputs.length, 8);
  t.equal(inputs[0], texts(messages(graph, 11)[0], 1)[0], 'the input of the graph');
  for (const name of inputs.slice(1)) t.ok(initializers.has(name), `${name} is a constant`);
  const weight = initializers.get(inputs[3])!;
  t.strictSame(weight.get(1), [128n, 128n]);
  t.strictSame(weight.get(2), [3n], 'INT8');
  const raw = weight.get(9)![0] as Uint8Array;
  t.equal((raw[1] << 24) >> 24, int8.w[128], 'w[1, 0] is b[0, 1]');

  const [, conv] = convCases(true, (shape) => shape.startsWith('conv 3x3'));
  const layer = onnxConv(conv);
  t.strictSame(ops(graphOf(layer.bytes)), ['QLinearConv']);
  t.strictSame(layer.inputShape, [1, 64, 56, 56]);
  t.end();
});

t.test('networks as ONNX models: float as they are, integers between quantize and dequantize', (t) => {
  const [float, int8] = modelCases(false, (shape) => shape.startsWith('plain'));
  const plain = ops(graphOf(onnxGraph(decodeModel(float.file).graph)));
  const block = ['Conv', 'Relu', 'MaxPool'];
  t.strictSame(plain, [...block, ...block, ...block, 'Flatten', 'Gemm', 'Identity']);
  const quantized = ops(graphOf(onnxGraph(decodeModel(int8.file).graph)));
  const without = quantized.filter((op) => !/^(Dequantize|Quantize)Linear$/.test(op));
  t.strictSame(
    without,
    plain.map((op) => op),
  );
  const count = (op: string): number => quantized.filter((o) => o === op).length;
  t.equal(count('QuantizeLinear'), 9, 'the input, 3 convolutions, 3 pools, the reshape, the scores');
  t.equal(count('DequantizeLinear'), 9 + 8, 'and 4 weights and 4 biases');
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
