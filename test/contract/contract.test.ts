/** What a file says of itself is found again, and what is wrong with it too. */
import t from 'tap';
import {
  audit,
  bitsIn,
  compareOutputs,
  openModel,
  runnerOf,
  selfTestOf,
  verifyModel,
} from '../../src/contract/index.js';
import { NDArray } from '../../src/core/index.js';
import { encodeModel } from '../../src/formats/index.js';
import { exportOnnx } from '../../src/formats/onnx/index.js';
import { exportTflite } from '../../src/formats/tflite/index.js';
import { foldBatchNorm, fuseLayers, type Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [1, 8, 8, 2];
const INFO = { labels: ['a', 'b', 'c'], normalization: { mean: [0.25], std: [0.5] } };
const model = new TinyCnn();
roughen(model);
const float = foldBatchNorm(fuseLayers(trace(model, normal(SHAPE))));
const moduleOf = (options: QConfigOptions) =>
  calibrate(prepare(trace(model, normal(SHAPE)), ptqConfig(options)), batches(2, SHAPE)).eval();
const integer = convert(moduleOf({}));
const forTflite = convert(moduleOf({ target: 'tflite-micro' }));

const inputs = (graph: Graph) => new Map([[graph.inputs[0], normal(SHAPE, 3).value]]);
const write = (graph: Graph, format: 'onnx' | 'tflite'): Uint8Array => {
  const options = { info: INFO, selfTest: selfTestOf(graph, inputs(graph)) };
  return format === 'onnx' ? exportOnnx(graph, options).bytes : exportTflite(graph, options).bytes;
};

for (const format of ['onnx', 'tflite'] as const)
  for (const [kind, graph] of [
    ['float', float],
    ['integer', format === 'onnx' ? integer : forTflite],
  ] as const)
    t.test(`${kind} model as ${format}`, (t) => {
      const bytes = write(graph, format);
      const opened = openModel(bytes, 'keep');
      t.match(opened, { format, kind, info: INFO });
      t.match(verifyModel(opened), { passed: true });
      if (kind === 'integer') {
        t.same(audit(opened).islands, []);
        t.ok(audit(opened).integer >= 4);
        t.same(bitsIn(opened.graph), { weights: 8, activations: 8 });
        t.same(verifyModel(opened)!.differences[0].different, 0);
      }
      // the interface of this library, whatever the file has
      const nhwc = openModel(bytes);
      t.same(nhwc.graph.values.get(nhwc.graph.inputs[0])!.shape, SHAPE);
      const x = normal(SHAPE, 4).value;
      const [want] = runnerOf(graph)(new Map([[graph.inputs[0], x]])).values();
      const [got] = runnerOf(nhwc.graph, nhwc.kind)(new Map([[nhwc.graph.inputs[0], x]])).values();
      t.ok(Array.from(want.data).every((v, i) => Math.abs(v - got.data[i]) < 1e-5));
      t.end();
    });

t.test('TFLite files of either arithmetic are read back as what they were made for', (t) => {
  for (const target of ['tflite', 'tflite-micro'] as const) {
    const graph = convert(moduleOf({ target }));
    const opened = openModel(write(graph, 'tflite'), 'keep');
    t.same(opened.graph.numerics, graph.numerics);
    t.same(verifyModel(opened)!.differences[0].different, 0);
  }
  t.end();
});

t.test('our own files open too, and carry no self-test', (t) => {
  const opened = openModel(encodeModel(integer, INFO));
  t.match(opened, { format: 'octo', kind: 'integer', info: INFO, selfTest: null });
  t.equal(verifyModel(opened), null);
  t.throws(() => openModel(Uint8Array.of(1, 2, 3)), { code: 'format' });
  t.throws(() => openModel(new Uint8Array(0)), { code: 'format' });
  t.end();
});

t.test('a self-test that does not hold fails', (t) => {
  const opened = openModel(write(integer, 'onnx'), 'keep');
  const test = opened.selfTest!;
  const outputs = new Map(
    Array.from(
      test.outputs,
      ([id, a]) =>
        [
          id,
          new NDArray(
            a.data.map((v: number) => v + 9),
            a.shape,
          ),
        ] as const,
    ),
  );
  const verdict = verifyModel({ ...opened, selfTest: { ...test, outputs } });
  t.match(verdict, { passed: false, differences: [{ different: 3 }] });
  const nan = new Map([['y', new NDArray(Float32Array.of(NaN), [1])]]);
  t.match(compareOutputs(nan, nan), [{ different: 1, largest: NaN }], 'NaN is never right');
  t.throws(() => compareOutputs(nan, new Map()), { code: 'argument', message: /y has 0 elements/ });
  t.end();
});
