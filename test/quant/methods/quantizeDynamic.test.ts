/** Dynamic quantization: its codes, exact sums at odd sizes, the graph that comes out, and its files. */
import t from 'tap';
import { js, roundHalfEven, wasm } from '../../../kernels/index.js';
import { noGrad, tensor, Tensor } from '../../../src/autograd/index.js';
import {
  AutogradError,
  DTypeError,
  FormatError,
  GraphError,
  NDArray,
  QuantizationError,
  Random,
  ShapeError,
  UnsupportedError,
} from '../../../src/core/index.js';
import { decodeModel, encodeModel } from '../../../src/formats/index.js';
import { exportOnnx, importOnnx } from '../../../src/formats/onnx/index.js';
import { validate, type Graph } from '../../../src/graph/index.js';
import { BatchNorm, Conv2d, Flatten, Linear, ReLU, Sequential } from '../../../src/nn/index.js';
import { dynamicLinear, dynamicQParams } from '../../../src/ops/dynamicLinear.js';
import { quantizeArray, setBackend, sum } from '../../../src/ops/index.js';
import { minMax, prepare, ptqConfig, type Granularity } from '../../../src/quant/index.js';
import { quantizeDynamic } from '../../../src/quant/methods/index.js';
import { GraphModule, trace } from '../../../src/trace/index.js';

const random = new Random(1);
const normal = (shape: readonly number[], spread = 1): NDArray =>
  new NDArray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => spread * random.normal()),
    shape,
  );

t.test('codes are those of ONNX DynamicQuantizeLinear', (t) => {
  // test_dynamicquantizelinear, _max_adjusted and _min_adjusted of ONNX
  const published: [number[], number, number, number[]][] = [
    [[0, 2, -3, -2.5, 1.34, 0.5], 0.0196078438, 153, [153, 255, 0, 26, 221, 179]],
    [[-1, -2.1, -1.3, -2.5, -3.34, -4], 0.0156862754, 255, [191, 121, 172, 96, 42, 0]],
    [
      [1, 2.1, 1.3, 2.5, 3.34, 4, 1.5, 2.6, 3.9, 4, 3, 2.345],
      0.0156862754,
      0,
      [64, 134, 83, 159, 213, 255, 96, 166, 249, 255, 191, 149],
    ],
    // scale 1: halves go to even codes
    [[0, 255, 0.5, 1.5, 2.5], 1, 0, [0, 255, 0, 2, 2]],
    // and so do zero points
    [[-2.5, 252.5], 1, 2, [0, 254]],
    [[0, 0], 1, 0, [0, 0]],
    [[], 1, 0, []],
  ];
  for (const [values, scale, zeroPoint, codes] of published) {
    const x = new NDArray(Float32Array.from(values), [values.length]);
    const qparams = dynamicQParams(Float32Array.from(values));
    t.equal(qparams.scale[0], Math.fround(scale));
    t.equal(qparams.zeroPoint[0], zeroPoint);
    t.same([...quantizeArray(x, qparams).data], codes);
  }
  t.ok(dynamicQParams(Float32Array.of(1e-45)).scale[0] > 0);
  for (const bad of [NaN, Infinity])
    t.throws(() => dynamicQParams(Float32Array.of(1, bad)), QuantizationError, String(bad));
  t.end();
});

/** The formula, term by term. */
function straightforward(x: NDArray, codes: NDArray, scales: Float32Array, bias: NDArray | null): number[] {
  const [n, k] = codes.shape;
  const low = Math.min(0, ...x.data);
  const high = Math.max(0, ...x.data);
  const scale = high === low ? 1 : Math.fround(Math.fround(high - low) / 255);
  const zeroPoint = roundHalfEven(Math.fround(-low / scale));
  const code = (v: number): number =>
    Math.min(Math.max(roundHalfEven(Math.fround(v / scale)) + zeroPoint, 0), 255);
  return Array.from({ length: (x.size / k) * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    let acc = 0;
    for (let p = 0; p < k; p++) acc += (code(x.data[i * k + p]) - zeroPoint) * codes.data[j * k + p];
    const factor = Math.fround(scale * scales[scales.length === 1 ? 0 : j]);
    const real = Math.fround(Math.fround(acc) * factor);
    return bias === null ? real : Math.fround(real + bias.data[j]);
  });
}

for (const [name, backend] of Object.entries({ js, wasm }))
  t.test(`sums are exact: ${name}`, (t) => {
    t.teardown(setBackend(backend));
    const sizes: [number[], number][] = [
      [[1, 1], 1],
      [[1, 7], 3],
      [[5, 33], 17],
      [[2, 3, 65], 9],
      [[1, 784], 10],
      [[9], 4],
    ];
    for (const [shape, n] of sizes)
      for (const axis of [null, 0]) {
        const k = shape[shape.length - 1];
        const weight = normal([n, k]);
        const observer = minMax()({ quantMin: -127, quantMax: 127, symmetric: true, axis });
        observer.observe(weight);
        const weightQParams = observer.qparams();
        const codes = quantizeArray(weight, weightQParams);
        const bias = axis === null ? null : normal([n]);
        const inputs = [normal(shape, 3), normal(shape), NDArray.zeros(shape, 'float32')];
        // another number of rows takes another packing of the same weights
        inputs.splice(1, 0, normal([4, k]));
        for (const x of inputs) {
          const y = dynamicLinear(new Tensor(x), { weight: codes, weightQParams, bias });
          t.same(y.shape, [...x.shape.slice(0, -1), n]);
          t.same([...y.data], straightforward(x, codes, weightQParams.scale, bias), x.shape.join(' x '));
        }
      }
    t.end();
  });

const convolutional = (): Sequential =>
  new Sequential(
    new Conv2d(1, 4, 3, { stride: 2, random }),
    new BatchNorm(4),
    new ReLU(),
    new Flatten(),
    new Linear(4 * 9, 20, { random }),
    new BatchNorm(20),
    new ReLU(),
    new Linear(20, 5, { random, bias: false }),
  ).eval();

function close(
  t: { ok(value: boolean, name: string): void },
  got: Tensor | NDArray,
  want: Tensor | NDArray,
  share: number,
): void {
  const largest = Math.max(...want.data.map(Math.abs));
  const worst = Math.max(...want.data.map((v, i) => Math.abs(v - got.data[i])));
  t.ok(worst <= share * largest, `off by ${worst} of ${largest}`);
}

t.test('the graph: layers replaced, close to float, in files', (t) => {
  const model = convolutional();
  const x = new Tensor(normal([6, 7, 7, 1]));
  const graph = trace(model, x);
  const float = noGrad(() => model.forward(x));
  for (const granularity of ['per-channel', 'per-tensor'] as Granularity[]) {
    const dynamic = quantizeDynamic(graph, { granularity });
    t.same(
      dynamic.nodes.map(({ op }) => op),
      ['conv2d', 'reshape', 'dynamicLinear', 'dynamicLinear'],
      'batch norm and ReLU are part of the layers',
    );
    const weights = [...dynamic.params.values()].filter(({ qparams }) => qparams !== null);
    t.same(
      weights.map(({ array, qparams }) => [array.dtype, qparams!.scale.length]),
      granularity === 'per-channel' ? [['int8', 20], ['int8', 5]] : [['int8', 1], ['int8', 1]], // prettier-ignore
    );
    const module = new GraphModule(dynamic).eval();
    const y = module.forward<Tensor>(x);
    close(t, y, float, 0.03);
    t.notOk(
      weights.some(({ id }) => module.stateDict().has(id)),
      'codes are no state of the module',
    );

    const read = decodeModel(encodeModel(dynamic)).graph;
    t.same(new GraphModule(read).eval().forward(x).data, y.data, 'a model file gives the same');
    const imported = importOnnx(exportOnnx(dynamic).bytes, { layout: 'nhwc' }).graph;
    const layers = imported.nodes.filter(({ op }) => op === 'dynamicLinear');
    t.equal(layers.length, 2, 'and they come back from ONNX');
    close(t, new GraphModule(imported).eval().forward<Tensor>(x), y, 1e-6);
  }
  const half = quantizeDynamic(graph, { float: ['7'] });
  t.same(
    half.nodes.map(({ op }) => op),
    ['conv2d', 'reshape', 'dynamicLinear', 'linear'],
  );
  t.end();
});

t.test('damaged ONNX files: an error that says so, or a model', (t) => {
  const graph = trace(new Linear(6, 5, { random }), tensor(normal([1, 6])));
  const { bytes } = exportOnnx(quantizeDynamic(graph));
  for (let i = 0; i < 500; i++) {
    const damaged = bytes.slice();
    damaged[random.int(bytes.length)] = random.int(256);
    try {
      importOnnx(damaged);
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error;
    }
  }
  t.end();
});

t.test('weights that layers share stay shared; files are a quarter as large', (t) => {
  const shared = new Linear(200, 200, { random });
  const model = new Sequential(shared, new ReLU(), shared);
  const graph = trace(model, tensor(normal([1, 200])));
  const dynamic = quantizeDynamic(graph);
  t.same([...dynamic.params.values()].map(({ array }) => array.dtype).sort(), ['float32', 'int8']);
  t.ok(encodeModel(dynamic).length < 0.27 * encodeModel(graph).length);
  t.end();
});

t.test('what cannot be', (t) => {
  const graph = trace(convolutional(), new Tensor(normal([1, 7, 7, 1])));
  const dynamic = quantizeDynamic(graph);
  const images = new Tensor(normal([2, 7, 7, 1]));
  t.throws(() => sum(new GraphModule(dynamic).eval().forward(images)).backward(), AutogradError);
  t.throws(() => quantizeDynamic(graph, { float: ['0'] }), QuantizationError, 'no linear layer');
  t.throws(() => quantizeDynamic(graph, { granularity: 'rows' as Granularity }), QuantizationError);
  t.throws(() => quantizeDynamic(dynamic), QuantizationError, 'twice');
  t.throws(() => prepare(dynamic, ptqConfig()), QuantizationError, 'and calibrated');
  const wide = trace(new Linear(66_400, 1, { random }), new Tensor(normal([1, 66_400])));
  t.throws(() => quantizeDynamic(wide), { name: 'QuantizationError', message: /leave int32/ });

  const layer = dynamic.nodes.find(({ op }) => op === 'dynamicLinear')!;
  if (layer.op !== 'dynamicLinear') throw new Error('no layer');
  const { array, qparams } = dynamic.params.get(layer.weight)!;
  const withWeight = (param: object): Graph => ({
    ...dynamic,
    params: new Map(dynamic.params).set(layer.weight, { id: layer.weight, array, qparams, ...param }),
  });
  t.throws(() => validate(withWeight({ qparams: null })), GraphError, 'weights that are no codes');
  const shifted = { ...qparams!, zeroPoint: qparams!.zeroPoint.map(() => 1) };
  t.throws(() => validate(withWeight({ qparams: shifted })), GraphError, 'weights with a zero point');

  const attrs = { weight: array, weightQParams: qparams!, bias: null };
  t.throws(() => dynamicLinear(new Tensor(normal([2, 5])), attrs), ShapeError);
  t.throws(() => dynamicLinear(new Tensor(NDArray.zeros([2, 36], 'int32')), attrs), DTypeError);
  t.end();
});
