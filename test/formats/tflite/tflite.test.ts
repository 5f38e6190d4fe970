/** TFLite files: read, written and read again; every element type; versions of operators. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ArgumentError, UnsupportedError } from '../../../src/core/errors.js';
import {
  decodeTflite,
  encodeTflite,
  requiredVersion,
  TFLITE_BUILTINS,
  type TfliteArray,
  type TfliteDType,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from '../../../src/formats/tflite/index.js';
import { BUILTINS } from '../../../src/formats/tflite/builtins.js';
import { FILE_IDENTIFIER } from '../../../src/formats/tflite/schema.js';
import { RAW, rawFile } from './raw.js';
import { modelOf, NAMED_SAMPLES, SAMPLES } from './samples.js';

const golden = join(process.cwd(), 'test', 'golden', 'int8_ops');
const goldenFiles = readdirSync(join(golden, 'models')).sort();
const read = (name: string): Uint8Array => readFileSync(join(golden, 'models', name));

t.test('models of another writer: decoded, encoded, decoded', (t) => {
  for (const name of goldenFiles) {
    const model = decodeTflite(read(name));
    t.same(decodeTflite(encodeTflite(model)), model, name);
  }
  t.end();
});

interface ManifestTensor {
  readonly dtype: 'int8' | 'int32' | 'float32';
  readonly shape: readonly number[];
  readonly offset: number;
}
interface ManifestCase {
  readonly op: string;
  readonly model: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, ManifestTensor>>;
}

t.test('models of another writer hold what their manifest says', (t) => {
  const { cases } = JSON.parse(readFileSync(join(golden, 'manifest.json'), 'utf8')) as {
    cases: ManifestCase[];
  };
  const data = readFileSync(join(golden, 'data.bin'));
  const kinds = { int8: Int8Array, int32: Int32Array, float32: Float32Array };
  const valueOf = ({ dtype, shape, offset }: ManifestTensor): unknown[] => {
    const raw = Uint8Array.from(data.subarray(offset));
    return [
      ...new kinds[dtype](
        raw.buffer,
        0,
        shape.reduce((n, d) => n * d, 1),
      ),
    ];
  };
  const convolutions = cases.filter(({ op }) => op === 'conv2d' || op === 'depthwise_conv2d');
  t.ok(convolutions.length > 10);
  for (const { model, attrs, inputs } of convolutions) {
    const { tensors, operators } = decodeTflite(read(model.replace('models/', ''))).subgraphs[0];
    const [
      {
        op,
        version,
        options,
        inputs: [x, w, b],
      },
    ] = operators as [TfliteOperator & { options: object }];
    t.equal(op, model.includes('depthwise') ? 'DEPTHWISE_CONV_2D' : 'CONV_2D', model);
    t.equal(version, 3);
    const [strideH, strideW] = attrs['stride'] as number[];
    const [dilationH, dilationW] = attrs['dilation'] as number[];
    t.match(options, { padding: attrs['padding'], strideH, strideW, dilationH, dilationW }, model);
    t.same((options as { activation: string }).activation, String(attrs['activation']).toUpperCase());
    t.same([...tensors[w].data!], valueOf(inputs['w']), model);
    if ('bias' in inputs) t.same([...tensors[b].data!], valueOf(inputs['bias']), model);
    if ('w_scale' in inputs) t.same([...tensors[w].quantization!.scale], valueOf(inputs['w_scale']), model);
    t.same([...tensors[x].quantization!.zeroPoint], [attrs['in_zero_point']]);
    t.equal(tensors[x].data, null);
  }
  t.end();
});

t.test('every builtin with options, and plain ones', (t) => {
  for (const { name, op, sample } of NAMED_SAMPLES) {
    const model = modelOf(op, sample);
    const [graph] = model.subgraphs;
    const version = requiredVersion(graph.operators[0], graph.tensors);
    const expected = { ...model, subgraphs: [{ ...graph, operators: [{ ...graph.operators[0], version }] }] };
    t.same(decodeTflite(encodeTflite(model)), expected, name);
  }
  t.equal(BUILTINS.indexOf('RIGHT_SHIFT'), 161);
  t.equal(new Set(BUILTINS).size, BUILTINS.length);
  t.same(
    TFLITE_BUILTINS.filter((op) => !(BUILTINS as readonly string[]).includes(op)),
    [],
  );
  t.ok(Object.keys(SAMPLES).every((op) => (TFLITE_BUILTINS as string[]).includes(op)));
  t.end();
});

/** A model of tensors alone. */
function withTensors(...tensors: Partial<TfliteTensor>[]): TfliteModel {
  const plain = {
    name: '',
    shapeSignature: null,
    data: null,
    quantization: null,
    isVariable: false,
  } as const;
  return {
    version: 3,
    description: '',
    subgraphs: [
      {
        name: 'main',
        tensors: tensors.map((tensor) => ({ ...plain, shape: [], dtype: 'float32', ...tensor })),
        inputs: [],
        outputs: [],
        operators: [],
      },
    ],
    metadata: new Map(),
    signatureDefs: [],
  };
}
const tensorsOf = (model: TfliteModel): readonly TfliteTensor[] => model.subgraphs[0].tensors;

const EVERY_TYPE: { readonly [D in TfliteDType]: TfliteArray } = {
  float32: Float32Array.of(1.5, -0, Infinity),
  float16: Uint16Array.of(0x3c00, 0x8000, 0x7c00),
  float64: Float64Array.of(0.1, -0, NaN),
  int8: Int8Array.of(-128, 0, 127),
  uint8: Uint8Array.of(0, 1, 255),
  int16: Int16Array.of(-32768, 0, 32767),
  uint16: Uint16Array.of(0, 1, 65535),
  int32: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1),
  uint32: Uint32Array.of(0, 1, 2 ** 32 - 1),
  int64: BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 63n - 1n),
  uint64: BigUint64Array.of(0n, 1n, 2n ** 64n - 1n),
  bool: Uint8Array.of(1, 0, 1),
  int4: Int8Array.of(-8, 0, 7),
};

t.test('every element type, and what tensors carry', (t) => {
  const tensors = Object.entries(EVERY_TYPE).map(([dtype, data]) => ({
    name: `__proto__ é ${dtype}`,
    shape: [1, 3],
    dtype: dtype as TfliteDType,
    data,
  }));
  const quantization = {
    scale: Float32Array.of(0.5, 0.25, 0.125),
    zeroPoint: Int32Array.of(0, -3, 2 ** 31 - 1),
    quantizedDimension: 1,
    min: Float32Array.of(-1),
    max: Float32Array.of(1),
  };
  const model: TfliteModel = {
    ...withTensors(
      ...tensors,
      { shape: [1, 3], shapeSignature: [-1, 3], dtype: 'int8', quantization, isVariable: true },
      { shape: [0], dtype: 'int32', data: new Int32Array(0) },
      { shape: [], data: Float32Array.of(7) },
    ),
    metadata: new Map([
      ['__proto__', Uint8Array.of(1, 2, 3)],
      ['empty', new Uint8Array(0)],
    ]),
    signatureDefs: [
      { key: 'serve', subgraph: 0, inputs: [{ name: 'x', tensor: 0 }], outputs: [{ name: 'y', tensor: 15 }] },
    ],
  };
  t.same(decodeTflite(encodeTflite(model)), model);
  t.end();
});

t.test('custom operators and those of unknown options', (t) => {
  const base = { inputs: [0, -1], outputs: [1] };
  const operators: TfliteOperator[] = [
    { ...base, op: 'CUSTOM', name: 'TFLite_Detection_PostProcess', version: 1, options: Uint8Array.of(1, 2) },
    { ...base, op: 'CUSTOM', name: 'other', version: 7, options: null },
  ];
  const plain = withTensors({}, {});
  const model = { ...plain, subgraphs: [{ ...plain.subgraphs[0], operators }] };
  t.same(decodeTflite(encodeTflite(model)), model);

  const called = (code: number): TfliteOperator => {
    const operators = [{ ...RAW.operator, inputs: [0], outputs: [0] }];
    const subgraphs = [{ ...RAW.graph, tensors: [RAW.tensor], operators }];
    // The code stands twice, as a byte and as an int32; the larger one counts.
    const operatorCodes = [{ ...RAW.code, shortCode: Math.min(code, 127), code: code > 127 ? code : 0 }];
    return decodeTflite(rawFile({ subgraphs, operatorCodes })).subgraphs[0].operators[0];
  };
  const operator = called(BUILTINS.indexOf('LSTM'));
  t.match(operator, { op: 'OTHER', name: 'LSTM', inputs: [0], outputs: [0] });
  t.match(called(206), { op: 'OTHER', name: 'builtin operator 206' });
  t.match(called(BUILTINS.indexOf('SIGN')), { op: 'SIGN', options: null });
  const again = { ...plain, subgraphs: [{ ...plain.subgraphs[0], operators: [operator] }] };
  t.throws(
    () => encodeTflite(again),
    new UnsupportedError('model: the options of LSTM are not known here, so that it cannot be written'),
  );
  t.end();
});

t.test('the layout that runtimes rely on', (t) => {
  const shared = Float32Array.of(1, 2, 3);
  const marker = new Uint8Array(64).fill(0xab);
  const bytes = encodeTflite({
    ...withTensors(
      { shape: [3], data: shared },
      { shape: [64], dtype: 'uint8', data: marker },
      { shape: [3], data: shared },
    ),
    metadata: new Map([['m', Uint8Array.of(1)]]),
  });
  t.equal(String.fromCharCode(...bytes.subarray(4, 8)), FILE_IDENTIFIER);
  t.equal(bytes.byteLength, bytes.buffer.byteLength);
  const start = bytes.indexOf(0xab);
  t.equal(start % 16, 0, 'constants are aligned');
  const tensors = tensorsOf(decodeTflite(bytes));
  t.equal(tensors[0].data, tensors[2].data, 'an array that is shared is written once');
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  t.same(decodeTflite(moved.subarray(3)), decodeTflite(bytes), 'bytes need not be aligned');
  const trailing = new Uint8Array(bytes.length + 100);
  trailing.set(bytes);
  t.same(decodeTflite(trailing), decodeTflite(bytes), 'an archive may follow');
  t.end();
});

t.test('models that no runtime would take are not written', (t) => {
  const scales = (scale: Float32Array, zeroPoint: Int32Array, quantizedDimension = 0) => ({
    quantization: {
      scale,
      zeroPoint,
      quantizedDimension,
      min: new Float32Array(0),
      max: new Float32Array(0),
    },
  });
  const two = Float32Array.of(1, 2);
  const wrong: [string, TfliteModel, RegExp][] = [
    ['size', withTensors({ shape: [4], data: two }), /2 elements do not fill shape \[4\]/],
    ['array', withTensors({ shape: [2], dtype: 'int8', data: two }), /does not hold int8/],
    ['int4', withTensors({ shape: [1], dtype: 'int4', data: Int8Array.of(8) }), /outside \[-8, 7\]/],
    ['shape', withTensors({ shape: [-1] }), /\[-1\] is not a shape/],
    ['signature', withTensors({ shape: [1], shapeSignature: [-1, 2] }), /differ in rank/],
    ['zero points', withTensors(scales(two, Int32Array.of(0))), /2 scales and 1 zero points/],
    ['axis', withTensors({ shape: [3, 2], ...scales(two, new Int32Array(2)) }), /along dimension 0/],
    ['version', { ...withTensors(), version: 2 }, /schema version 2/],
    ['no graph', { ...withTensors(), subgraphs: [] }, /there is none/],
    [
      'index',
      { ...withTensors(), subgraphs: [{ ...withTensors().subgraphs[0], inputs: [0] }] },
      /inputs: index 0 is outside/,
    ],
    [
      'signature of no graph',
      { ...withTensors(), signatureDefs: [{ key: 'k', subgraph: 1, inputs: [], outputs: [] }] },
      /signature "k": subgraph: index 1/,
    ],
  ];
  for (const [name, model, message] of wrong)
    t.throws(() => encodeTflite(model), { constructor: ArgumentError, message }, name);
  const split = (numSplits: number) => modelOf('SPLIT', { ...SAMPLES.SPLIT[0], options: { numSplits } });
  t.throws(() => encodeTflite(split(1.5)), { message: /numSplits: 1.5 is not a whole number/ });
  t.throws(() => encodeTflite(split(2 ** 31)), ArgumentError);
  const act = modelOf('MUL', { ...SAMPLES.MUL[0], options: { activation: 'constructor' } });
  t.throws(() => encodeTflite(act), { constructor: ArgumentError, message: /activation: "constructor"/ });
  t.end();
});

t.test('versions of operators', (t) => {
  const version = (
    op: string,
    dtypes: readonly TfliteDType[],
    { options = {}, shape = [1, 2, 2, 4], channels = 1, out = dtypes[0], scale = 0.5 } = {} as {
      options?: object;
      shape?: number[];
      channels?: number;
      out?: TfliteDType;
      scale?: number;
    },
  ): number => {
    const tensors = [...dtypes, out].map((dtype, i) => ({
      ...tensorsOf(withTensors({}))[0],
      dtype,
      shape,
      quantization: {
        scale: new Float32Array(i === 1 ? channels : 1).fill(i === dtypes.length ? scale : 0.5),
        zeroPoint: new Int32Array(i === 1 ? channels : 1),
        quantizedDimension: 0,
        min: new Float32Array(0),
        max: new Float32Array(0),
      },
    }));
    const sample = SAMPLES[op as 'ADD'][0].options as object | null;
    const inputs = dtypes.map((_, i) => i);
    const operator = {
      op,
      version: null,
      inputs,
      outputs: [dtypes.length],
      options: { ...sample, ...options },
    };
    return requiredVersion(operator as never, tensors);
  };
  const layer = ['int8', 'int8', 'int32'] as const;
  const hybrid = ['float32', 'int8', 'float32'] as const;
  const float = ['float32', 'float32', 'float32'] as const;
  t.equal(version('CONV_2D', float), 1);
  t.equal(version('CONV_2D', layer), 3);
  t.equal(version('CONV_2D', ['int8', 'int4', 'int32']), 7);
  t.equal(version('CONV_2D', hybrid), 2);
  t.equal(version('CONV_2D', hybrid, { channels: 4 }), 5);
  t.equal(version('CONV_2D', ['int16', 'int8', 'int64']), 4);
  t.equal(version('DEPTHWISE_CONV_2D', layer), 3);
  t.equal(version('DEPTHWISE_CONV_2D', float), 1);
  t.equal(version('DEPTHWISE_CONV_2D', float, { options: { dilationW: 2 } }), 2);
  t.equal(version('DEPTHWISE_CONV_2D', hybrid, { channels: 4 }), 6);
  t.equal(version('FULLY_CONNECTED', layer, { options: { keepNumDims: false } }), 4);
  t.equal(version('FULLY_CONNECTED', layer, { options: { keepNumDims: true } }), 5);
  t.equal(version('FULLY_CONNECTED', ['int8', 'int8']), 6);
  t.equal(version('FULLY_CONNECTED', hybrid, { options: { keepNumDims: false } }), 3);
  t.equal(version('FULLY_CONNECTED', float, { options: { keepNumDims: false } }), 1);
  t.equal(version('TRANSPOSE_CONV', ['int32', 'int8', 'int8'], { out: 'int8' }), 2);
  t.equal(version('TRANSPOSE_CONV', ['int32', 'int8', 'int8', 'int32'], { out: 'int8' }), 3);
  t.equal(version('MUL', ['int8', 'int8']), 2);
  t.equal(version('MUL', ['int8', 'int8'], { scale: 0.125 }), 3);
  t.equal(version('ADD', ['int8', 'int8']), 2);
  t.equal(version('ADD', ['int64', 'int64']), 4);
  t.equal(version('SUB', ['float32', 'float32']), 1);
  t.equal(version('RESIZE_BILINEAR', ['int8', 'int32']), 3);
  t.equal(version('RESIZE_BILINEAR', ['int8', 'int32'], { options: { halfPixelCenters: false } }), 2);
  t.equal(version('RESIZE_NEAREST_NEIGHBOR', ['float32', 'int32'], { options: { alignCorners: true } }), 3);
  t.equal(version('QUANTIZE', ['float32'], { out: 'int8' }), 1);
  t.equal(version('DEQUANTIZE', ['int8'], { out: 'float32' }), 2);
  t.equal(version('DEQUANTIZE', ['float16'], { out: 'float32' }), 3);
  t.equal(version('SPLIT', ['int32', 'int8']), 2);
  t.equal(version('TRANSPOSE', ['int8', 'int32'], { shape: [1, 1, 1, 1, 1] }), 4);
  t.equal(
    version('STRIDED_SLICE', ['float32', 'int32', 'int32', 'int32'], { options: { newAxisMask: 1 } }),
    6,
  );
  t.equal(version('CAST', ['float16'], { out: 'float32' }), 5);
  t.equal(version('BROADCAST_TO', ['float32', 'int32']), 2);
  for (const op of ['LOGISTIC', 'TANH', 'SOFTMAX', 'MEAN', 'MAX_POOL_2D', 'PAD', 'CONCATENATION', 'RELU6'])
    t.equal(version(op, ['int8', 'int32']), 2, op);
  for (const op of ['HARD_SWISH', 'LEAKY_RELU', 'RESHAPE', 'PRELU', 'NEG', 'ELU'])
    t.equal(version(op, ['int8', 'int32']), 1, op);
  t.end();
});
