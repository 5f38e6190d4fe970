/** Trained quantizers in networks: initial values, gradients by the formulas, exact conversion; bits of single layers. */
import t from 'tap';
import { noGrad, tensor, Tensor } from '../../src/autograd/index.js';
import { roundHalfEven } from '../../kernels/index.js';
import { NDArray } from '../../src/core/index.js';
import { BatchNorm, Linear, Module } from '../../src/nn/index.js';
import { cat, crossEntropy, dequantizeArray, quantizeArray, relu, tidy } from '../../src/ops/index.js';
import { Adam } from '../../src/optim/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  dorefa,
  lsq,
  lsqPlus,
  minMax,
  pact,
  prepare,
  qatConfig,
  type QConfigOptions,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];
const METHODS: Readonly<Record<string, QConfigOptions>> = {
  LSQ: { weightQuantizer: lsq(), activationQuantizer: lsq() },
  'LSQ+': { weightQuantizer: lsqPlus(), activationQuantizer: lsqPlus() },
  PACT: { activationQuantizer: pact() },
  'DoReFa and PACT': { weightQuantizer: dorefa(), activationQuantizer: pact() },
};

function prepared(options: QConfigOptions, model: Module & { forward(x: Tensor): Tensor } = new TinyCnn()) {
  roughen(model);
  return calibrate(prepare(trace(model, normal(SHAPE)), qatConfig(options)), batches(2, SHAPE));
}

function train(module: QuantizedModule, steps: number): number[] {
  const trained = module.quantizerParameters();
  const weights = module.parameters().filter((p) => !trained.includes(p));
  const optimizer = new Adam([{ params: weights }, { params: trained, lr: 2e-3 }], { lr: 5e-3 });
  const x = normal(SHAPE, 100);
  const labels = new Tensor(new NDArray(Int32Array.of(0, 1, 2, 0), [4]));
  module.phase = 'train';
  module.train();
  const losses = Array.from({ length: steps }, () =>
    tidy(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(module.forward(x), labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    }),
  );
  module.eval();
  return losses;
}

for (const [name, options] of Object.entries(METHODS))
  t.test(`${name}: trains at 2 to 8 bits and converts to the same codes`, (t) => {
    for (const bits of [2, 3, 4, 8])
      for (const model of [new TinyCnn(), new EveryOp()]) {
        const about = `${bits} bits, ${model.constructor.name}`;
        const module = prepared({ ...options, weightBits: bits, activationBits: bits }, model);
        const initial = module.quantizerParameters().map((p) => [...p.data]);
        const losses = train(module, 12);
        if (bits === 8 && model instanceof TinyCnn)
          t.ok(losses[11] < losses[0], `${about}: ${losses[0]} -> ${losses[11]}`);
        t.notSame(
          module.quantizerParameters().map((p) => [...p.data]),
          initial,
          `${about}: the quantizers were trained`,
        );
        for (const id of module.specs.keys()) {
          const qp = module.quantizer(id)?.qparams();
          if (qp === undefined) continue;
          t.ok(
            qp.scale.every((s) => s > 0) && qp.zeroPoint.every(Number.isInteger),
            `${about}: ${id} has positive scales and whole zero points`,
          );
        }
        const graph = convert(module);
        const result = compareCodes(module, graph, batches(2, SHAPE, 300));
        t.equal(result.codesDifferent, 0, about);
        t.ok(result.codesCompared > 0);
      }
    t.end();
  });

t.test('other widths, grids and granularities convert to the same codes', (t) => {
  const grids = [{ granularity: 'per-tensor' }, { signed: false }, { symmetricActivations: true }] as const;
  const all = [...grids, { ...grids[0], ...grids[1], ...grids[2] }];
  const widths = [[5, 7], [6, 5], [7, 3], [3, 6]]; // prettier-ignore
  Object.entries(METHODS).forEach(([name, options], m) =>
    all.forEach((grid, g) => {
      const [weightBits, activationBits] = widths[(m + g) % widths.length];
      const module = prepared({ ...options, ...grid, weightBits, activationBits });
      train(module, 5);
      const { codesCompared, codesDifferent } = compareCodes(module, convert(module), batches(2, SHAPE, 300));
      t.ok(codesCompared > 0);
      t.equal(codesDifferent, 0, `${name}, W${weightBits}A${activationBits}, ${JSON.stringify(grid)}`);
      const { quantMin, quantMax, zeroPoint } = module.valueQParams('input')!;
      t.equal(quantMax - quantMin, 2 ** activationBits - 1);
      t.equal(quantMin === 0, 'signed' in grid);
      if ('symmetricActivations' in grid)
        t.equal(zeroPoint[0], 'signed' in grid ? 2 ** (activationBits - 1) : 0);
      const scales = module.quantizer('conv.weight')!.qparams().scale.length;
      t.equal(scales, 'granularity' in grid ? 1 : 4);
    }),
  );
  t.end();
});

t.test('LSQ+ trains zero points, rounded where they are used; LSQ keeps those of calibration', (t) => {
  for (const [quantizer, moves] of [
    [lsq(), false],
    [lsqPlus(), true],
  ] as const) {
    const module = prepared({ activationQuantizer: quantizer, activationBits: 4 });
    const ids = ['input', 'conv', 'fc'];
    const offsets = (): number[] => ids.map((id) => module.tensor(`${id}/offset`).data[0]);
    const before = offsets();
    // what is clipped moves zero points
    for (const id of ids) module.tensor(`${id}/scale`).data[0] *= 0.5;
    train(module, 10);
    ids.forEach((id, i) => {
      t.equal(offsets()[i] !== before[i], moves, `${id}: ${before[i]} -> ${offsets()[i]}`);
      const code = roundHalfEven(Math.fround(offsets()[i] * 15));
      t.equal(module.valueQParams(id)!.zeroPoint[0], Math.min(Math.max(code, -8), 7));
    });
    t.equal(compareCodes(module, convert(module), batches(1, SHAPE)).codesDifferent, 0);
    module.tensor('input/offset').data[0] = 2.6 / 15;
    t.equal(module.valueQParams('input')!.zeroPoint[0], 3);
  }
  t.end();
});

t.test('also in training mode, with the tape, the values are those of the integers', (t) => {
  const module = prepared({ weightQuantizer: lsq(), activationQuantizer: lsqPlus(), activationBits: 4 });
  module.phase = 'train';
  module.batchNorm = 'frozen';
  const x = normal(SHAPE, 8);
  const taped = module.train().forward(x);
  t.ok(taped.requiresGrad);
  t.same(taped.toArray(), noGrad(() => module.eval().forward(x)).toArray());
  t.end();
});

class Line extends Module {
  readonly fc = new Linear(3, 2);
  constructor(private readonly clamp: (x: Tensor) => Tensor) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return this.clamp(this.fc.forward(x));
  }
}

function lineOf(options: QConfigOptions, clamp = relu): { module: QuantizedModule; x: Tensor } {
  const model = new Line(clamp);
  model.fc.weight.data.set([0.9, -0.41, 0.13, -0.62, 0.3, 0.77]);
  model.fc.bias!.data.set([0.1, 0.2]);
  const x = tensor([
    [1, -0.5, 0.25],
    [0.3, 0.8, -1],
    [-0.7, 0.2, 0.6],
  ]);
  const config = qatConfig({
    weightBits: 3,
    granularity: 'per-tensor',
    weightObserver: minMax(),
    ...options,
  });
  const module = calibrate(prepare(trace(model, x), config), [x]);
  module.phase = 'train';
  return { module: module.train(), x };
}

t.test('LSQ: the gradient of a weight scale in a network is that of the paper', (t) => {
  const { module, x } = lineOf({ weightQuantizer: lsq() });
  const scale = module.tensor('fc.weight/scale');
  scale.data[0] = 0.2; // clips at 0.6
  const y = module.forward(x);
  y.backward(NDArray.full(y.shape, 1, 'float32'));
  const [s, w, q] = [scale.data[0], [...module.tensor('fc.weight').data], 3];
  const input = dequantizeArray(
    quantizeArray(x.value, module.valueQParams('input')!),
    module.valueQParams('input')!,
  );
  const alive = [...y.data].map((v) => Number(v > 0));
  let sum = 0;
  const dw = w.map((v, i) => {
    const [o, c] = [Math.floor(i / 3), i % 3];
    const dy = [0, 1, 2].reduce((a, n) => a + alive[n * 2 + o] * input.data[n * 3 + c], 0);
    const r = roundHalfEven(v / s);
    sum += dy * (Math.abs(r) <= q ? r - v / s : Math.sign(r) * q);
    return Math.abs(r) <= q ? dy : 0;
  });
  t.ok(Math.abs(scale.grad!.data[0] - sum / Math.sqrt(6 * q)) < 1e-5, `${scale.grad!.data[0]}`);
  dw.forEach((g, i) => t.ok(Math.abs(module.tensor('fc.weight').grad!.data[i] - g) < 1e-5));
  t.end();
});

t.test('LSQ: signed codes and unsigned ones train alike', (t) => {
  const options = { activationBits: 4, weightQuantizer: lsq(), activationQuantizer: lsq() };
  const losses = [true, false].map((signed) => train(prepared({ ...options, signed }), 8));
  t.same(losses[0], losses[1]);
  const gradients = [true, false].map((signed) => {
    const module = prepared({ ...options, signed }).train();
    module.phase = 'train';
    const y = module.forward(normal(SHAPE, 3));
    y.backward(NDArray.full(y.shape, 1, 'float32'));
    // Q is 15 after a ReLU, in both
    return [...module.parameters()].map(({ grad }) => [...grad!.data]);
  });
  t.same(gradients[0], gradients[1]);
  t.end();
});

t.test('PACT: the bound of a ReLU gets the gradients of what it clips, the lower one stays 0', (t) => {
  const { module, x } = lineOf({ activationQuantizer: pact(), activationBits: 4 });
  const [lower, upper] = ['lower', 'upper'].map((name) => module.tensor(`fc/${name}`));
  t.equal(lower.data[0], 0);
  upper.data[0] = 0.5;
  const real = noGrad(() => {
    module.phase = 'off';
    return module.forward(x);
  });
  module.phase = 'train';
  const y = module.forward(x);
  t.equal(Math.max(...y.data), 0.5);
  const weight = Float32Array.of(1, 2, 4, 8, 16, 32);
  y.backward(new NDArray(weight, y.shape));
  const clipped = weight.reduce((sum, g, i) => sum + (real.data[i] > 0.5 ? g : 0), 0);
  t.ok(clipped > 0);
  t.equal(upper.grad!.data[0], clipped);
  t.equal(lower.grad!.data[0], 0);
  t.end();
});

t.test('PACT, symmetric: the one bound gets the gradients of both sides, with their signs', (t) => {
  const { module, x } = lineOf(
    {
      activationQuantizer: pact(),
      layers: { fc: { activationBits: 4, weightBits: 8 } },
      symmetricActivations: true,
    },
    (y) => y,
  );
  const upper = module.tensor('fc/upper');
  t.notOk(module.quantizerParameters().includes(module.tensor('fc/lower')), 'one bound is trained');
  upper.data[0] = 0.3;
  module.phase = 'off';
  const real = noGrad(() => module.forward(x)).data;
  module.phase = 'train';
  const y = module.forward(x);
  t.ok(Math.max(...y.data) <= 0.3 && Math.min(...y.data) < -0.25);
  const weight = Float32Array.of(1, 2, 4, 8, 16, 32);
  y.backward(new NDArray(weight, y.shape));
  const sumOf = (clips: (v: number) => boolean): number =>
    weight.reduce((sum, g, i) => sum + (clips(real[i]) ? g : 0), 0);
  const [above, below] = [sumOf((v) => v > 0.3), sumOf((v) => v < -0.3)];
  t.ok(above > 0 && below > 0);
  t.equal(upper.grad!.data[0], above - below);
  t.end();
});

t.test('DoReFa: weights are those of the tanh, at the range that they had', (t) => {
  const { module } = lineOf({ weightQuantizer: dorefa() });
  const node = module.graph.nodes.find((n) => n.op === 'linear')!;
  const { weight, weightQParams } = module.resolveLayer(node as never);
  const expected = [...module.tensor('fc.weight').data].map(
    (w) => (roundHalfEven((Math.tanh(w) / Math.tanh(0.9)) * 3) / 3) * 0.9,
  );
  expected.forEach((v, i) => t.ok(Math.abs(weight.data[i] - v) < 1e-6, `${weight.data[i]} ${v}`));
  t.ok(Math.abs(weightQParams.scale[0] - 0.3) < 1e-7);
  t.end();
});

t.test('calibration gives the initial values; observers do not move what is trained', (t) => {
  const module = prepared({ activationQuantizer: lsqPlus(), activationObserver: minMax() });
  const plain = prepared({ activationObserver: minMax() });
  for (const id of ['input', 'fc']) t.same(module.valueQParams(id), plain.valueQParams(id), id);
  module.phase = 'train';
  module.train().forward(normal(SHAPE, 9, 50));
  t.same(module.valueQParams('input'), plain.valueQParams('input'));
  calibrate(module, [normal(SHAPE, 9, 50)]);
  t.ok(
    module.valueQParams('input')!.scale[0] > 10 * plain.valueQParams('input')!.scale[0],
    'a new beginning',
  );
  t.end();
});

t.test('a checkpoint holds trained quantizers', (t) => {
  for (const options of Object.values(METHODS)) {
    const module = prepared({ ...options, activationBits: 4, weightBits: 4 });
    train(module, 2);
    const other = prepared({ ...options, activationBits: 4, weightBits: 4 });
    other.loadStateDict(module.stateDict());
    other.loadExtraState(JSON.parse(JSON.stringify(module.extraState())) as never);
    const x = normal(SHAPE, 6);
    t.same(other.eval().forward(x).toArray(), module.forward(x).toArray());
    t.same(train(other, 2).length, 2);
  }
  const plain = prepared({});
  const trained = prepared({ activationQuantizer: lsq() });
  t.throws(() => trained.loadExtraState(plain.extraState()), { code: 'format', message: /observer/ });
  t.end();
});

t.test('a method on tensors that it is not made for is refused', (t) => {
  t.throws(() => prepared({ weightQuantizer: pact() }), {
    code: 'quantization',
    message: /conv.weight: pact/,
  });
  t.throws(() => prepared({ activationQuantizer: dorefa() }), { code: 'quantization', message: /dorefa/ });
  t.end();
});

t.test('what a concatenation joins on one scale has one trained quantizer', (t) => {
  class Joined extends Module {
    readonly a = new Linear(3, 2);
    readonly b = new Linear(3, 2);
    override forward(x: Tensor): Tensor {
      return cat([this.a.forward(x), this.b.forward(x)], { axis: 1 });
    }
  }
  const x = normal([4, 3]);
  const graph = trace(new Joined(), x);
  const config = qatConfig({ concat: 'equal', activationQuantizer: lsq() });
  const module = calibrate(prepare(graph, config), [x]);
  t.same(module.valueQParams('a'), module.valueQParams('b'));
  t.equal(module.quantizer('a'), module.quantizer('b'));
  t.equal(compareCodes(module, convert(module), [x]).codesDifferent, 0);
  t.throws(() => prepare(graph, qatConfig({ concat: 'equal', layers: { a: { activationBits: 4 } } })), {
    code: 'quantization',
    message: /-8 to 7 and -128 to 127/,
  });
  t.end();
});

t.test('layers have bits of their own', (t) => {
  const module = prepared({
    weightBits: 4,
    layers: {
      conv: { weightBits: 8 },
      fc: { weightBits: 2, activationBits: 6 },
      input: { activationBits: 5 },
    },
  });
  const top = (id: string): number => module.quantizer(id)!.qparams().quantMax;
  t.same(['conv.weight', 'fc.weight', 'input', 'conv', 'fc'].map(top), [127, 1, 15, 127, 31]);
  t.equal(compareCodes(module, convert(module), batches(2, SHAPE)).codesDifferent, 0);
  for (const [layers, message] of [
    [{ nothing: { weightBits: 4 } }, /nothing is not a value.*conv/],
    [{ input: { weightBits: 4 } }, /no weights/],
    [{ conv: { weightBits: 9 } }, /2 to 8/],
    [{ maxPool2d: { activationBits: 4 } }, /codes of conv/],
  ] as const)
    t.throws(() => prepared({ layers }), { code: 'quantization', message });
  t.throws(() => prepared({ weightOnly: true, layers: { conv: { activationBits: 4 } } }), {
    code: 'quantization',
    message: /weightOnly/,
  });
  t.end();
});

t.test('weights alone: activations and biases stay in float, and there are no integers to run', (t) => {
  class Net extends Module {
    readonly fc = new Linear(3, 2);
    readonly bn = new BatchNorm(2);
    override forward(x: Tensor): Tensor {
      return this.bn.forward(this.fc.forward(x));
    }
  }
  const x = normal([5, 3]);
  const module = calibrate(prepare(trace(new Net(), x), qatConfig({ weightOnly: true, weightBits: 4 })), [x]);
  t.same([...module.specs.keys()], ['fc.weight']);
  const { weight, bias, weightQParams } = module.resolveLayer(module.graph.nodes[0] as never);
  const w = dequantizeArray(quantizeArray(weight.value, weightQParams), weightQParams);
  const y = module.forward(x);
  for (let n = 0; n < 5; n++)
    for (let o = 0; o < 2; o++) {
      const expected = [0, 1, 2].reduce((a, i) => a + x.data[n * 3 + i] * w.data[o * 3 + i], bias!.data[o]);
      t.ok(Math.abs(y.data[n * 2 + o] - expected) < 1e-5);
    }
  t.throws(() => convert(module), { code: 'quantization', message: /left in float/ });
  t.end();
});
