/** Quantized ONNX models: what becomes an integer graph, what runs as fake quantization, and what constants come to. */
import t from 'tap';
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { NDArray } from '../../../src/core/index.js';
import { evaluateOnnx, importOnnx, type OnnxTensor } from '../../../src/formats/onnx/index.js';
import { GraphModule } from '../../../src/trace/index.js';
import { counting, node, onnx, tensor, type Written } from './build.js';
import { runImport } from './nodeTest.js';

const scalar = (value: number): OnnxTensor => tensor([], [value]);
const zero = (value: number, dtype: 'int8' | 'uint8' | 'int32' = 'int8'): OnnxTensor =>
  tensor([], [value], dtype);

/** A QuantizeLinear and a DequantizeLinear on the grid `s`, `z`. */
const grid = (x: string, y: string, s: string, z: string): Written['nodes'] => [
  node('QuantizeLinear', `${x} ${s} ${z}`, `${y}_codes`),
  node('DequantizeLinear', `${y}_codes ${s} ${z}`, y),
];

const scales = {
  s: scalar(0.5),
  z: zero(-10),
  sy: scalar(0.25),
  zy: zero(3),
};

/** One convolution in QDQ form: weights per channel, a bias, a clamp. */
function convolution(weights: OnnxTensor, weightZeros: OnnxTensor): Written {
  return {
    inputs: { x: ['n', 1, 1, 3] },
    constants: {
      ...scales,
      w: weights,
      sw: tensor([2], [0.5, 0.25]),
      zw: weightZeros,
      b: tensor([2], [4, -8], 'int32'),
      sb: tensor([2], [0.25, 0.125]),
      zb: tensor([2], [0, 0], 'int32'),
    },
    nodes: [
      ...grid('x', 'xq', 's', 'z'),
      node('DequantizeLinear', 'w sw zw', 'wd', { axis: 0 }),
      node('DequantizeLinear', 'b sb zb', 'bd', { axis: 0 }),
      node('Conv', 'xq wd bd', 'c'),
      node('Relu', 'c', 'r'),
      ...grid('r', 'y', 'sy', 'zy'),
    ],
  };
}

t.test('a layer between quantizations is an integer layer', (t) => {
  // weights [[1], [-1]] and [[-1, 2]]: 0.5 * 2, and 0.25 * -4
  const written = convolution(tensor([2, 1, 1, 1], [2, -4], 'int8'), tensor([2], [0, 0], 'int8'));
  const network = importOnnx(onnx(written));
  t.equal(network.kind, 'integer');
  t.equal(network.why, null);
  t.equal(network.graph.batch, 'free');
  const ops = network.graph.nodes.map(({ op }) => op);
  t.same(
    [...ops].sort(),
    ['conv2d', 'dequantize', 'quantize', 'reshape', 'transpose'],
    'sizes of 1 are reshaped',
  );
  const [y] = runImport(network, new Map([['x', tensor([1, 1, 1, 3], [-3, 0.6, 7])]]));
  // x on its grid is -3, 0.5, 7; x + 1 and -x - 1, not below 0
  t.same([...y.data], [0, 1.5, 8, 2, 0, 0]);
  t.end();
});

t.test('a clamp from 0 to 6 belongs to its layer', (t) => {
  const written = convolution(tensor([2, 1, 1, 1], [2, -4], 'int8'), tensor([2], [0, 0], 'int8'));
  const clamped = onnx({
    ...written,
    constants: { ...written.constants, low: scalar(0), high: scalar(6) },
    nodes: written.nodes.map((n) => (n.opType === 'Relu' ? node('Clip', 'c low high', 'r') : n)),
  });
  const network = importOnnx(clamped);
  t.equal(network.kind, 'integer', String(network.why));
  const [y] = runImport(network, new Map([['x', tensor([1, 1, 1, 3], [-3, 0.6, 7])]]));
  t.same([...y.data], [0, 1.5, 6, 2, 0, 0]);
  t.end();
});

t.test('weights around another zero point move to 0 where they fit', (t) => {
  const shifted = convolution(tensor([2, 1, 1, 1], [130, 124], 'uint8'), tensor([2], [128, 128], 'uint8'));
  const network = importOnnx(onnx(shifted));
  t.equal(network.kind, 'integer');
  const [y] = runImport(network, new Map([['x', tensor([1, 1, 1, 3], [-3, 0.6, 7])]]));
  t.same([...y.data], [0, 1.5, 8, 2, 0, 0]);

  const wide = importOnnx(
    onnx(convolution(tensor([2, 1, 1, 1], [250, 0], 'uint8'), tensor([2], [0, 0], 'uint8'))),
  );
  t.equal(wide.kind, 'fake-quantized');
  t.match(wide.why, /not symmetric around 0/);
  t.end();
});

t.test('sums, products with constants, moves and joins are integer ops too', (t) => {
  const written: Written = {
    inputs: { x: [1, 2, 4] },
    constants: { ...scales, c: tensor([1, 1, 4], [1, 2, 3, 4], 'int8'), zc: zero(0) },
    nodes: [
      ...grid('x', 'xq', 's', 'z'),
      node('DequantizeLinear', 'c sy zc', 'cd'),
      node('Transpose', 'xq', 't', { perm: [0, 2, 1] }),
      node('Transpose', 't', 'u', { perm: [0, 2, 1] }),
      node('Add', 'u cd', 'a'),
      ...grid('a', 'aq', 's', 'z'),
      node('Concat', 'aq xq', 'j', { axis: 2 }),
      ...grid('j', 'y', 's', 'z'),
    ],
  };
  const network = importOnnx(onnx(written));
  t.equal(network.kind, 'integer', String(network.why));
  const [y] = runImport(network, new Map([['x', counting(1, 2, 4)]]));
  // 0.25, 0.5, 0.75 and 1 added, rounded to multiples of 0.5, half to even
  t.same([...y.data], [1, 2.5, 4, 5, 1, 2, 3, 4, 5, 6.5, 8, 9, 5, 6, 7, 8]);
  t.end();
});

t.test('a network with float parts runs as fake quantization, and trains', (t) => {
  const written: Written = {
    inputs: { x: ['n', 2] },
    constants: { ...scales, w: counting(1, 2) },
    nodes: [...grid('x', 'xq', 's', 'z'), node('Gemm', 'xq w', 'y', { transB: 1 })],
  };
  const network = importOnnx(onnx(written));
  t.equal(network.kind, 'fake-quantized');
  t.match(network.why, /output y is not quantized/);
  const module = new GraphModule(network.graph).eval();
  const x = new Tensor(new NDArray(Float32Array.of(0.6, 1.1, -3, 200), [2, 2]), { requiresGrad: true });
  const y = module.forward(x);
  t.same([...y.data], [0.5 + 2 * 1, -3 + 2 * 68.5]);
  y.backward(new Tensor(new NDArray(Float32Array.of(1, 1), [2, 1])));
  t.same([...x.grad!.data], [1, 2, 1, 0], 'straight through, but not where it is clipped');
  t.end();
});

t.test('codes in and out', (t) => {
  const written: Written = {
    inputs: { x: ['n', 3] },
    dtypes: { x: 'int8' },
    constants: { ...scales, w: tensor([3, 1], [1, 2, 3], 'int8'), sw: scalar(1), zw: zero(0) },
    nodes: [node('QLinearMatMul', 'x s z w sw zw sy zy', 'y')],
  };
  const network = importOnnx(onnx(written));
  t.equal(network.kind, 'integer');
  const [y] = runImport(network, new Map([['x', tensor([1, 3], [-10, -8, -9], 'int8')]]));
  t.equal(y.dtype, 'int8');
  t.same([...y.data], [3 + (2 * 2 + 1 * 3) * 2]);
  t.throws(
    () => importOnnx(onnx({ ...written, nodes: [node('Relu', 'x', 'y')] })),
    /says what its codes stand for/,
  );
  t.throws(
    () =>
      importOnnx(
        onnx({
          ...written,
          nodes: [node('QLinearMatMul', 'x s z w sw zw sy zy', 'q'), node('Relu', 'q', 'y')],
        }),
      ),
    /put a DequantizeLinear before it/,
  );
  t.end();
});

t.test('evaluateOnnx computes integers exactly', (t) => {
  const bytes = onnx({
    inputs: { a: [1, 2], b: [2, 1] },
    dtypes: { a: 'uint8', b: 'int8' },
    constants: { za: zero(100, 'uint8') },
    nodes: [node('MatMulInteger', 'a b za', 'y')],
  });
  const inputs = new Map([
    ['a', tensor([1, 2], [255, 0], 'uint8')],
    ['b', tensor([2, 1], [-128, 127], 'int8')],
  ]);
  const y = evaluateOnnx(bytes, inputs).get('y')!;
  t.equal(y.dtype, 'int32');
  t.same([...(y.data as Int32Array)], [155 * -128 - 100 * 127]);
  const float = onnx({ inputs: { a: [1, 2] }, nodes: [node('HardSwish', 'a', 'y')] });
  t.throws(() => evaluateOnnx(float, new Map([['a', counting(1, 2)]])), /use importOnnx/);
  t.end();
});

t.test('a graph on codes does not run through float ops', (t) => {
  const written = convolution(tensor([2, 1, 1, 1], [2, -4], 'int8'), tensor([2], [0, 0], 'int8'));
  t.throws(() => new GraphModule(importOnnx(onnx(written)).graph), /int8/);
  const moves: Written = { inputs: { x: [1, 2] }, constants: scales, nodes: grid('x', 'y', 's', 'z') };
  const module = new GraphModule(importOnnx(onnx(moves)).graph).eval();
  const y = noGrad(() => module.forward(new Tensor(new NDArray(Float32Array.of(0.6, 1), [1, 2]))));
  t.same([...y.data], [0.5, 1], 'codes that nothing computes with are the floats that they stand for');
  const sums: Written = {
    ...moves,
    nodes: [...grid('x', 'q', 's', 'z'), node('Add', 'q q', 'a'), ...grid('a', 'y', 's', 'z')],
  };
  const added = new GraphModule(importOnnx(onnx(sums)).graph).eval();
  t.throws(() => noGrad(() => added.forward(new Tensor(new NDArray(Float32Array.of(1, 2), [1, 2])))), {
    name: 'GraphError',
    message: /use a runtime Session/,
  });
  t.end();
});
