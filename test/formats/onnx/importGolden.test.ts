/** ONNX imports against results of others: ONNX's own node tests, and quantized networks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { UnsupportedError } from '../../../src/core/index.js';
import {
  decodeOnnx,
  evaluateOnnx,
  importOnnx,
  tensorNumbers,
  type OnnxDType,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { loadTopic, type TensorRef } from '../../golden-topics/common.js';
import { runImport, runNodeTest } from './nodeTest.js';
import { unpackTests } from './nodeTestPack.js';

/** What becomes an integer graph. The others have a scale per channel of a value, asymmetric weights, or sums as results. */
const INTEGER = [
  'quantize/int8',
  'quantize/uint8',
  'quantize/int8_ties',
  'quantize/uint8_ties',
  'quantize/int8_infinite',
  'dequantize/int8',
  'qlinearconv/int8_per_channel',
  'qlinearconv/uint8_int8',
  'qlinearconv/int8_depthwise',
  'qlinearconv/int8_group2_nobias',
  'qlinearconv/int8_exact_ties',
  'qlinearmatmul/int8',
  'qdq/cnn_int8',
  'qdq/cnn_uint8_batch3',
];

const golden = join(process.cwd(), 'test', 'golden');

t.test('node tests of ONNX', (t) => {
  const tests = unpackTests(readFileSync(join(golden, 'onnx_node', 'tests.bin')));
  const roads = new Map<string, number>();
  for (const [name, test] of tests) {
    const verdict = runNodeTest(test);
    if (verdict.kind !== 'passed') t.fail(`${name}: ${verdict.kind}, ${verdict.why}`);
    else roads.set(verdict.road, (roads.get(verdict.road) ?? 0) + 1);
  }
  t.ok((roads.get('float') ?? 0) >= 250, `${JSON.stringify([...roads])} of ${tests.size}`);
  t.end();
});

t.test('quantized networks in ONNX form, in integers', (t) => {
  const topic = loadTopic(join(golden, 'onnx_q'))!;
  const roads = new Map<string, string>();
  for (const test of topic.cases) {
    const bytes = readFileSync(join(topic.dir, (test as unknown as { model: string }).model));
    const tensor = (name: string, ref: TensorRef): OnnxTensor => ({
      name,
      dtype: ref.dtype as OnnxDType,
      dims: ref.shape,
      data: topic.read(ref) as never,
    });
    const inputs = new Map(Object.entries(test.inputs!).map(([name, ref]) => [name, tensor(name, ref)]));
    const wanted = decodeOnnx(bytes).graph.outputs.map(({ name }) => tensor(name, test.outputs![name]));
    const tolerance = (test as unknown as { tol: { abs?: number } | number }).tol;
    const bound = typeof tolerance === 'number' ? tolerance : (tolerance.abs ?? 0);
    const check = (road: string, results: readonly ArrayLike<number>[]): void =>
      wanted.forEach((tensor, i) => {
        const want = tensorNumbers(tensor);
        let worst = 0;
        for (let j = 0; j < want.length; j++) worst = Math.max(worst, Math.abs(results[i][j] - want[j]));
        // Codes are exact here: expected values are of real arithmetic, rounded, with a tolerance of one step.
        if (!(worst <= bound)) t.fail(`${test.id} ${road}: ${worst} apart from ${tensor.name}`);
      });
    if (!test.id.startsWith('qdq'))
      check('constants', [...evaluateOnnx(bytes, inputs).values()].map(tensorNumbers));
    try {
      const network = importOnnx(bytes);
      check(
        network.kind,
        runImport(network, inputs).map(({ data }) => data),
      );
      roads.set(test.id, network.kind);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
    }
  }
  t.same(Object.fromEntries(roads), Object.fromEntries(INTEGER.map((id) => [id, 'integer'])));
  t.end();
});
