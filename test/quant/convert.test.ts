/** Conversion: integer parameters, room for the bias, and the errors of things that have no integer form. */
import t from 'tap';
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, type QParams } from '../../src/core/index.js';
import { BatchNorm, Linear, Module, Parameter } from '../../src/nn/index.js';
import { linear, relu } from '../../src/ops/index.js';
import { calibrate, compareCodes, convert, prepare, ptqConfig, qatConfig } from '../../src/quant/index.js';
import { absorbBias, addBiases, equalize, quantizeDynamic } from '../../src/quant/methods/index.js';
import { leaveRoomForBias, worstProductSum } from '../../src/quant/layer.js';
import { Session } from '../../src/runtime/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [2, 8, 8, 2];

function prepared(config = ptqConfig()) {
  const model = new TinyCnn();
  roughen(model);
  return prepare(trace(model, normal(SHAPE)), config);
}

t.test('weights become int8 codes with a scale per channel, biases int32 codes with scale sx * sw', (t) => {
  const module = calibrate(prepared(), batches(2, SHAPE));
  const graph = convert(module);
  const w = graph.params.get('conv.weight')!;
  t.equal(w.array.dtype, 'int8');
  t.equal(w.qparams!.scale.length, 4);
  t.ok(
    w.array.data.every((q) => q >= -127 && q <= 127),
    'narrow range',
  );
  const b = graph.params.get('conv.bias')!;
  t.equal(b.array.dtype, 'int32');
  const sx = graph.values.get('input/quantize')!.qparams!.scale[0];
  t.same(
    [...b.qparams!.scale],
    [...w.qparams!.scale].map((s) => Math.fround(s * sx)),
  );
  t.notOk(
    [...graph.params.keys()].some((id) => id.startsWith('bn')),
    'batch norm is folded away',
  );
  t.end();
});

t.test('what takes a float network refuses an integer one', (t) => {
  const graph = convert(calibrate(prepared(), batches(2, SHAPE)));
  const all: Readonly<Record<string, () => unknown>> = {
    prepare: () => prepare(graph, ptqConfig()),
    equalize: () => equalize(graph),
    absorbBias: () => absorbBias(graph, batches(1, SHAPE)),
    addBiases: () => addBiases(graph),
    quantizeDynamic: () => quantizeDynamic(graph),
  };
  for (const [name, run] of Object.entries(all))
    t.throws(run, { code: 'quantization', message: /^graph: .*integer codes; give the float network/ }, name);
  t.end();
});

t.test('4-bit weights are codes of [-7, 7]', (t) => {
  const graph = convert(calibrate(prepared(ptqConfig({ weightBits: 4 })), batches(2, SHAPE)));
  const codes = [...graph.params.get('fc.weight')!.array.data];
  t.equal(Math.max(...codes.map(Math.abs)), 7);
  t.equal(graph.params.get('fc.weight')!.qparams!.dtype, 'int4');
  t.end();
});

t.test('outputs can stay codes', (t) => {
  const module = calibrate(prepared(), batches(2, SHAPE));
  const x = normal(SHAPE, 5).value;
  const codes = new Session(convert(module, { output: 'codes' })).run(x);
  const real = new Session(convert(module)).run(x);
  const { scale, zeroPoint } = module.valueQParams('fc')!;
  t.equal(codes.dtype, 'int8');
  t.same(
    [...real.data],
    [...codes.data].map((q) => Math.fround((q - zeroPoint[0]) * scale[0])),
  );
  t.end();
});

t.test('conversion before calibration is refused and names what is missing', (t) => {
  t.throws(() => convert(prepared()), { code: 'quantization', message: /input.*conv\.weight.*calibrate/s });
  const module = prepared();
  t.throws(() => (module.phase = 'frozen'), { code: 'quantization', message: /calibrate/ });
  t.end();
});

t.test('float biases and float values have no integer form', (t) => {
  const float = calibrate(prepared(qatConfig({ bias: 'float' })), batches(1, SHAPE));
  t.throws(() => convert(float), { code: 'quantization', message: /bias.*int32/ });
  const partial = calibrate(prepared(ptqConfig({ float: ['maxPool2d'] })), batches(1, SHAPE));
  t.throws(() => convert(partial), { code: 'quantization', message: /maxPool2d.*float/ });
  t.throws(() => prepared(ptqConfig({ float: ['nothing'] })), {
    code: 'quantization',
    message: /nothing.*input, conv/,
  });
  t.end();
});

/** linear, with parameters that can be set */
class Line extends Module {
  readonly fc: Linear;
  constructor(weight: number[][], bias: number[]) {
    super();
    this.fc = new Linear(weight[0].length, weight.length);
    this.fc.weight.data.set(weight.flat());
    this.fc.bias!.data.set(bias);
  }
  override forward(x: Tensor): Tensor {
    return this.fc.forward(x);
  }
}

t.test('tiny weights with a large bias: the weight scale is raised until the bias fits into int32', (t) => {
  // sx = 2 / 255 and sw = 1e-9 / 127 would need a bias of 1 / (sx * sw) = 1.6e13
  const model = new Line(
    [
      [1e-9, -1e-9],
      [0.5, 0.25],
    ],
    [1, -1],
  );
  const x = new Tensor(new NDArray(Float32Array.of(1, -1, 0.5, 0.25), [2, 2]));
  for (const granularity of ['per-channel', 'per-tensor'] as const) {
    const module = calibrate(prepare(trace(model, x), ptqConfig({ granularity })), [x]);
    const graph = convert(module);
    const bias = graph.params.get('fc.bias')!.array.data;
    t.ok(
      bias.every((b) => Math.abs(b) < 2 ** 31 - 1),
      `${granularity}: no bias saturates: ${bias.join(', ')}`,
    );
    const y = new Session(graph).run(x.value).data;
    t.ok(
      Math.abs(y[0] - 1) < 0.02 && Math.abs(y[2] - 1) < 0.02,
      `${granularity}: the bias survives: ${y[0]}`,
    );
    t.equal(compareCodes(module, graph, [x]).codesDifferent, 0);
  }
  t.end();
});

const qp = (scale: number[], zeroPoint: number, quantMin: number, quantMax: number): QParams => ({
  dtype: 'int8',
  scale: Float32Array.from(scale),
  zeroPoint: new Int32Array(scale.length).fill(zeroPoint),
  axis: scale.length > 1 ? 0 : null,
  quantMin,
  quantMax,
});

t.test('the bound of the accumulator counts terms, codes and zero point', (t) => {
  const w = NDArray.zeros([3, 10], 'float32');
  t.equal(worstProductSum(w, qp([1], 0, -127, 127), qp([1], -128, -128, 127)), 10 * 127 * 255);
  t.equal(worstProductSum(w, qp([1], 0, -7, 7), qp([1], 0, -128, 127)), 10 * 7 * 128);
  t.end();
});

t.test('scales that leave room are not touched; others are raised just enough', (t) => {
  const w = NDArray.zeros([2, 10], 'float32');
  const input = qp([0.01], -128, -128, 127);
  const fine = qp([0.01, 0.02], 0, -127, 127);
  const small = new NDArray(Float32Array.of(1, -1), [2]);
  t.equal(leaveRoomForBias('fc', w, small, fine, input), fine);
  t.equal(leaveRoomForBias('fc', w, null, fine, input), fine);
  const large = new NDArray(Float32Array.of(1e9, 1), [2]);
  const raised = leaveRoomForBias('fc', w, large, fine, input);
  const room = 2 ** 31 - 1 - worstProductSum(w, fine, input);
  t.equal(raised.scale[1], fine.scale[1]);
  t.ok(1e9 / Math.fround(0.01 * raised.scale[0]) <= room * 1.0000001);
  t.ok(1e9 / Math.fround(0.01 * raised.scale[0]) > room * 0.999, 'not more than needed');
  t.end();
});

t.test('an accumulator that can leave int32 is refused with its name and the bound', (t) => {
  const model = new Line([new Array<number>(140_000).fill(0.1)], [0]);
  const x = normal([1, 140_000]);
  const module = prepare(trace(model, x), ptqConfig());
  t.throws(() => convert(calibrate(module, [x])), {
    code: 'quantization',
    message: /fc: an accumulator can reach \d+/,
  });
  t.end();
});

t.test('gamma = 0 in a folded batch norm: the channel is its beta, in training and in integers', (t) => {
  class Net extends Module {
    readonly fc = new Linear(4, 2);
    readonly bn = new BatchNorm(2);
    override forward(x: Tensor): Tensor {
      return relu(this.bn.forward(this.fc.forward(x)));
    }
  }
  const model = new Net();
  model.bn.weight.data.set([0, 1]);
  model.bn.bias.data.set([0.75, 0.1]);
  const x = normal([8, 4]);
  const module = calibrate(prepare(trace(model, x), qatConfig()), [x]);
  module.phase = 'train';
  module.train();
  const y = module.forward(x);
  t.ok(y.data.every(Number.isFinite), 'no division by gamma');
  y.backward(NDArray.full(y.shape, 1, 'float32'));
  for (const [name, p] of module.namedParameters())
    t.ok(p.grad!.data.every(Number.isFinite), `gradient of ${name}`);
  module.eval();
  const graph = convert(module);
  t.equal(compareCodes(module, graph, [x]).codesDifferent, 0);
  const out = new Session(graph).run(x.value);
  t.ok(Math.abs(out.data[0] - 0.75) < 0.01, `beta arrives: ${out.data[0]}`);
  t.end();
});

t.test('a constant input and a dead layer convert', (t) => {
  const model = new Line(
    [
      [0, 0],
      [0, 0],
    ],
    [0, 0],
  );
  const x = new Tensor(NDArray.zeros([3, 2], 'float32'));
  const module = calibrate(prepare(trace(model, x), ptqConfig()), [x]);
  const graph = convert(module);
  t.same([...new Session(graph).run(x.value).data], [0, 0, 0, 0, 0, 0]);
  t.end();
});

t.test('conversion observes nothing, also in training mode', (t) => {
  const module = calibrate(prepared(qatConfig()), batches(1, SHAPE));
  module.phase = 'train';
  const before = [...module.quantizer('fc.weight')!.qparams().scale];
  module.tensor('fc.weight').data.fill(9);
  module.train();
  t.same([...convert(module).params.get('fc.weight')!.qparams!.scale], before);
  t.same([...module.quantizer('fc.weight')!.qparams().scale], before);
  t.end();
});

t.test('weights and biases that are not finite are named', (t) => {
  const module = calibrate(prepared(), batches(1, SHAPE));
  const weight = module.tensor('fc.weight').data;
  const good = weight[0];
  weight[0] = NaN;
  t.throws(() => convert(module), { code: 'quantization', message: /fc\.weight: holds NaN/ });
  weight[0] = good;
  module.tensor('fc.bias').data[1] = -Infinity;
  t.throws(() => convert(module), { code: 'quantization', message: /fc: its bias 1 is -Infinity/ });
  t.end();
});

t.test('two layers with one weight but different scales are refused, also where the codes are equal', (t) => {
  class Twice extends Module {
    readonly weight = new Parameter(NDArray.zeros([2, 2], 'float32'));
    // the first bias needs a larger weight scale than the second
    readonly b1 = new Parameter(NDArray.full([2], 100, 'float32'));
    readonly b2 = new Parameter(NDArray.full([2], 1, 'float32'));
    override forward(x: Tensor): Tensor {
      return linear(linear(x, this.weight, this.b1), this.weight, this.b2);
    }
  }
  const x = normal([4, 2]);
  const module = calibrate(prepare(trace(new Twice(), x), ptqConfig()), [x]);
  t.throws(() => convert(module), { code: 'quantization', message: /weight: two layers share/ });
  t.end();
});

t.test('a layer that is called twice keeps one weight and gets a bias for each call', (t) => {
  class Twice extends Module {
    readonly fc = new Linear(3, 3);
    override forward(x: Tensor): Tensor {
      return this.fc.forward(relu(this.fc.forward(x)));
    }
  }
  const x = normal([4, 3]);
  const module = calibrate(prepare(trace(new Twice(), x), ptqConfig()), [x]);
  const graph = convert(module);
  t.same([...graph.params.keys()], ['fc.weight', 'fc.bias', 'fc_2.bias']);
  t.equal(compareCodes(module, graph, [x, normal([4, 3], 1, 5)]).codesDifferent, 0);
  t.end();
});
