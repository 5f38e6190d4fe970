/** What the importer makes of files: every operator of the samples, int8 operators with known codes, what it refuses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FormatError, UnsupportedError } from '../../../src/core/index.js';
import { narrowFloat16 } from '../../../src/formats/half.js';
import {
  encodeTflite,
  importTflite,
  TFLITE_OPERATORS,
  type TfliteTensor,
} from '../../../src/formats/tflite/index.js';
import { loadTopic } from '../../golden-topics/common.js';
import { fileOf, quantization, run, tensor } from './build.js';
import { modelOf, NAMED_SAMPLES } from './samples.js';

/** Samples of what a graph cannot be: values of integers, functions without a node. */
const REFUSED = [
  'ARG_MAX',
  'ARG_MIN',
  'CAST',
  'CEIL',
  'FILL',
  'FLOOR',
  'GATHER 1',
  'POW',
  'REDUCE_PROD',
  'ROUND',
  'SHAPE',
  'STRIDED_SLICE 2',
  'STRIDED_SLICE 3',
];

t.test('every operator of the samples', (t) => {
  const refused: string[] = [];
  const imported = new Set<string>();
  for (const { name, op, sample } of NAMED_SAMPLES) {
    const file = encodeTflite(modelOf(op, sample));
    if (REFUSED.includes(name)) {
      t.throws(() => importTflite(file), UnsupportedError);
      refused.push(name);
      continue;
    }
    imported.add(op);
    const data = sample.inputs.filter(({ constant }) => !constant).map((input) => input.data);
    run(importTflite(file), data).forEach((got, i) => {
      const want = Array.from(sample.outputs[i].data as Float32Array);
      const near = want.every((v, k) => Math.abs(v - Number(got.data[k])) <= 2e-6 * Math.max(1, Math.abs(v)));
      t.ok(near, `${name}: ${String(got.data)} for ${String(want)}`);
      t.same(got.shape, sample.outputs[i].shape, name);
    });
  }
  t.same(refused.sort(), REFUSED);
  t.ok(imported.size > 55, `${imported.size} operators of ${TFLITE_OPERATORS.length}`);
  t.end();
});

const golden = join('test', 'golden', 'int8_ops');
const topic = loadTopic(golden)!;

t.test('int8 operators: the codes of the reference kernels', (t) => {
  for (const c of topic.cases) {
    const file = new Uint8Array(readFileSync(join(golden, (c as unknown as { model: string }).model)));
    const read = importTflite(file);
    t.equal(read.kind, 'integer', c.id);
    const names =
      c.op === 'concat' ? Object.keys(c.inputs!) : ['add', 'sub', 'mul'].includes(c.op) ? ['a', 'b'] : ['x'];
    const [got] = run(
      read,
      names.map((name) => topic.read(c.inputs![name])),
    );
    const want = topic.read(c.outputs!['double'] ?? c.outputs!['ideal']) as Int8Array;
    const steps = Array.from(want, (q, i) => Math.abs(q - Number(got.data[i])));
    // The kernel of HARD_SWISH rounds in 16 bits; TensorFlow Lite rounds halves away from zero when it quantizes floats.
    const most = c.id === 'lut/hard_swish' || c.id === 'quantize_f32/ties' ? 1 : 0;
    t.ok(
      steps.every((step) => step <= most),
      `${c.id}: ${Math.max(...steps)} steps`,
    );
  }
  t.ok(topic.cases.length > 50);
  t.end();
});

const dense = {
  activation: 'NONE',
  weightsFormat: 'DEFAULT',
  keepNumDims: false,
  asymmetricQuantizeInputs: false,
  quantizedBiasType: 'float32',
};
const product = (inputs: number[], output: number) => ({
  op: 'FULLY_CONNECTED',
  inputs,
  outputs: [output],
  options: dense,
});

t.test('weights of 16 bits, and of codes under float activations', (t) => {
  const half = fileOf(
    [
      tensor('x', [1, 2]),
      tensor('half', [1, 2], { dtype: 'float16', data: narrowFloat16(Float32Array.of(0.5, -2)) }),
      tensor('w', [1, 2]),
      tensor('y', [1, 1]),
    ],
    [{ op: 'DEQUANTIZE', inputs: [1], outputs: [2], options: null }, product([0, 2], 3)],
  );
  t.same(run(importTflite(half), [Float32Array.of(4, 3)])[0].data, [-4]);
  const w = tensor('w', [2, 2], {
    dtype: 'int8',
    data: Int8Array.of(2, -4, 6, 8),
    quantization: quantization([0.5, 0.25], [0, 0]),
  });
  const hybrid = importTflite(
    fileOf([tensor('x', [1, 2]), w, tensor('y', [1, 2])], [product([0, 1, -1], 2)]),
  );
  t.same(run(hybrid, [Float32Array.of(1, 3)])[0].data, [-5, 7.5]);
  t.match(hybrid.notes[0], /dynamic range/);
  t.end();
});

t.test('models of uint8', (t) => {
  const codes = (name: string, shape: number[], zero: number, data: Uint8Array | null = null) =>
    tensor(name, shape, { dtype: 'uint8', data, quantization: quantization([0.5], [zero]) });
  const file = (zero: number) =>
    fileOf(
      [codes('x', [1, 2], 10), codes('w', [1, 2], zero, Uint8Array.of(130, 126)), codes('y', [1, 1], 100)],
      [product([0, 1, -1], 2)],
    );
  // (30 - 10) * 2 - (20 - 10) * 2 = 20 quarters of 0.5
  t.same(run(importTflite(file(128)), [Uint8Array.of(30, 20)])[0].data, [110]);
  t.throws(
    () => importTflite(file(120)),
    /FULLY_CONNECTED.*zero point 120.*convert the model again with int8/,
  );
  t.end();
});

t.test("MediaPipe's transposed convolution", (t) => {
  const file = fileOf(
    [
      tensor('x', [1, 1, 2, 1]),
      tensor('w', [1, 2, 2, 1], { data: Float32Array.of(1, 2, 3, 4) }),
      tensor('b', [1], { data: Float32Array.of(100) }),
      tensor('y', [1, 2, 4, 1]),
    ],
    [
      {
        op: 'CUSTOM',
        name: 'Convolution2DTransposeBias',
        options: new Uint8Array(Int32Array.of(1, 2, 2).buffer),
        inputs: [0, 1, 2],
        outputs: [3],
      },
    ],
  );
  t.same(
    run(importTflite(file), [Float32Array.of(10, 20)])[0].data,
    [110, 120, 120, 140, 130, 140, 160, 180],
  );
  t.end();
});

t.test('sizes that are left open', (t) => {
  const file = (signature: number[]) =>
    fileOf(
      [tensor('x', [1, 1, 2], { shapeSignature: signature }), tensor('y', [1, 1, 2])],
      [{ op: 'TANH', inputs: [0], outputs: [1], options: null }],
    );
  t.equal(importTflite(file([-1, 1, 2])).graph.batch, 'free');
  t.throws(() => importTflite(file([-1, -1, 2])), /inputShapes: .* open; give it as \{ "x": \[\.\.\.\] \}/);
  t.same(importTflite(file([-1, -1, 2]), { inputShapes: { x: [1, 7, 2] } }).outputs[0].shape, [1, 7, 2]);
  t.throws(() => importTflite(file([1, 1, 2]), { inputShapes: { x: [1, 7, 2] } }), /inputShapes: x is/);
  t.throws(() => importTflite(file([1, 1, 2]), { inputShapes: { z: [1] } }), /no input of the model/);
  t.end();
});

t.test('what is refused is named', (t) => {
  const x = tensor('x', [1, 4]);
  const y = tensor('y', [1, 4]);
  const refusal = (
    tensors: TfliteTensor[],
    operators: object[],
    message: RegExp,
    error = UnsupportedError as never,
  ) => {
    t.throws(() => importTflite(fileOf(tensors, operators)), { message }, String(message));
    t.throws(() => importTflite(fileOf(tensors, operators)), error);
  };
  refusal(
    [x, y],
    [{ op: 'CUSTOM', name: 'Magic', options: null, inputs: [0], outputs: [1] }],
    /operator 0 \(Magic, "y"\).*only builtin/,
  );
  refusal(
    [x, y],
    [{ op: 'SIN', inputs: [0], outputs: [1], options: null }],
    /operator 0 \(SIN, "y"\).*constants only/,
  );
  refusal(
    [x, tensor('y', [1, 4], { dtype: 'int32' })],
    [{ op: 'ARG_MAX', inputs: [0, 0], outputs: [1], options: { outputType: 'int32' } }],
    /ARG_MAX.*post-processing.*"outputType":"int32"/,
  );
  refusal(
    [x, tensor('s', [1, 4], { isVariable: true }), y],
    [{ op: 'MAXIMUM', inputs: [0, 1], outputs: [2], options: null }],
    /operator 0/,
    FormatError as never,
  );
  const wide = (name: string) =>
    tensor(name, [1, 4], { dtype: 'int16', quantization: quantization([0.5], [0]) });
  refusal(
    [wide('x'), wide('y')],
    [{ op: 'TANH', inputs: [0], outputs: [1], options: null }],
    /"x".*codes of int16/,
  );
  const codes = (name: string, scale: number) =>
    tensor(name, [1, 4], { dtype: 'int8', quantization: quantization([scale], [0]) });
  refusal(
    [codes('x', 0.5), codes('y', 0.25)],
    [{ op: 'RESHAPE', inputs: [0], outputs: [1], options: { newShape: [1, 4] } }],
    /RESHAPE.*moves codes to a tensor of another scale/,
  );
  refusal(
    [codes('x', 0), y],
    [{ op: 'DEQUANTIZE', inputs: [0], outputs: [1], options: null }],
    /scale/,
    FormatError as never,
  );
  refusal(
    [x, y, y],
    [{ op: 'TANH', inputs: [1], outputs: [2], options: null }],
    /reads tensor 1, which nothing before it makes/,
    FormatError as never,
  );
  t.end();
});
