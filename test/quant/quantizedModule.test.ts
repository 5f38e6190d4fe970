/** Phases, batch norm modes, schedules and calibration of a module with fake quantization. */
import t from 'tap';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray } from '../../src/core/index.js';
import { AdamW } from '../../src/optim/index.js';
import { Linear, Module, Parameter } from '../../src/nn/index.js';
import { batchNorm, dequantizeArray, linear, mean, mul, quantizeArray, square } from '../../src/ops/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  lsq,
  lsqPlus,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
  type Phase,
  type QuantizationState,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];

function prepared(config = qatConfig()) {
  const model = new TinyCnn();
  roughen(model);
  return { model, module: prepare(trace(model, normal(SHAPE)), config) };
}

t.test('phase off is the float model', (t) => {
  const { model, module } = prepared();
  const x = normal(SHAPE, 3);
  model.eval();
  module.eval();
  t.same(noGrad(() => module.forward(x)).toArray(), noGrad(() => model.forward(x)).toArray());
  t.end();
});

t.test('preparing copies the weights: the float model stays as it is', (t) => {
  const { model, module } = prepared();
  module.parameters()[0].data.fill(9);
  t.notOk(model.conv.weight.data.includes(9));
  t.end();
});

t.test('observers watch in calibrate and in train, and at no other time', (t) => {
  const { module } = prepared(ptqConfig());
  calibrate(module, batches(1, SHAPE));
  const range = (): number => module.quantizer('input')!.qparams().scale[0];
  const before = range();
  const wide = normal(SHAPE, 9, 50);
  const run = (phase: Phase, training: boolean): void => {
    module.phase = phase;
    module.train(training);
    noGrad(() => module.forward(wide));
  };
  for (const [phase, training] of [
    ['off', true],
    ['off', false],
    ['frozen', true],
    ['frozen', false],
    ['train', false],
  ] as const) {
    run(phase, training);
    t.equal(range(), before, `${phase}, ${training ? 'training' : 'eval'} mode`);
  }
  run('train', true);
  t.ok(range() > 10 * before, 'train, training mode');
  t.end();
});

t.test('calibrate observes the float network and refuses to train', (t) => {
  const { module } = prepared();
  module.phase = 'calibrate';
  module.train();
  t.throws(() => module.forward(normal(SHAPE)), { code: 'quantization', message: /phase.*eval\(\)/ });
  module.eval();
  const y = module.forward(normal(SHAPE));
  t.notOk(y.requiresGrad);
  t.end();
});

t.test('an unknown phase, an empty calibration set, NaN in it', (t) => {
  const { module } = prepared();
  t.throws(() => (module.phase = 'on' as Phase), { code: 'quantization', message: /phase.*calibrate/ });
  t.throws(() => calibrate(module, []), { code: 'quantization', message: /calibration set is empty/ });
  for (const none of [null, undefined, normal(SHAPE)])
    t.throws(() => calibrate(module, none as never), {
      code: 'quantization',
      message: /^batches: .*give an array/,
    });
  for (const shape of [
    [4, 8, 8, 3],
    [4, 4, 8, 2],
    [8, 8, 2],
    [0, 8, 8, 2],
  ])
    // prettier-ignore
    t.throws(() => calibrate(module, [normal(SHAPE), normal(shape)]), {
      code: 'shape',
      message: `batches[1]: input has shape [${shape.join(', ')}]; the graph takes [n, 8, 8, 2]`,
    });
  for (const wrong of [null, normal(SHAPE).value, [1, 2]])
    t.throws(() => calibrate(module, [wrong as never]), {
      code: 'argument',
      message: /^batches\[0\]: .* for input; give a Map/,
    });
  t.equal(module.phase, 'off');
  const bad = normal(SHAPE);
  bad.data[5] = NaN;
  t.throws(() => calibrate(module, [normal(SHAPE), bad]), {
    code: 'quantization',
    message: /input.*batch 1/,
  });
  t.end();
});

t.test('a missing input is named in every phase', (t) => {
  const { module } = prepared();
  calibrate(module, batches(1, SHAPE));
  for (const phase of ['off', 'calibrate', 'train', 'frozen'] as const) {
    module.phase = phase;
    t.throws(() => module.runAll(new Map()), { code: 'argument', message: /input is missing/ }, phase);
  }
  t.end();
});

t.test('layers whose weights do not end in .weight have quantizers of their own', (t) => {
  class Bare extends Module {
    readonly w = new Parameter(normal([5, 3], 1).value);
    override forward(x: Tensor): Tensor {
      return linear(x, this.w, null);
    }
  }
  const x = normal([4, 3]);
  const module = calibrate(prepare(trace(new Bare(), x), ptqConfig()), [x]);
  t.equal(module.valueQParams('w_2')!.axis, null, 'the output');
  t.equal(module.quantizer('w')!.qparams().axis, 0, 'the weight');
  t.equal(compareCodes(module, convert(module), [x]).codesDifferent, 0);
  t.end();
});

t.test('every value of a frozen module lies on the grid of its qparams', (t) => {
  const { module } = prepared(ptqConfig({ activationBits: 4 }));
  calibrate(module, batches(2, SHAPE));
  const values = noGrad(() => module.runAll(new Map([['input', normal(SHAPE, 8)]])));
  for (const [id, v] of values) {
    const qp = module.valueQParams(id)!;
    t.same([...dequantizeArray(quantizeArray(v.value, qp), qp).data], [...v.data], id);
    t.ok(new Set(v.data).size <= 16, `${id} has at most 16 levels`);
  }
  t.end();
});

t.test('calibrating again starts afresh; a calibration that fails leaves phase off', (t) => {
  const { module } = prepared(ptqConfig());
  calibrate(module, batches(1, SHAPE));
  const before = module.extraState();
  calibrate(module, [normal(SHAPE, 9, 50)]);
  t.notSame(module.extraState(), before);
  calibrate(module, batches(1, SHAPE));
  t.same(module.extraState(), before, 'the wide batch is forgotten');
  t.throws(() => calibrate(module, []), { code: 'quantization' });
  t.equal(module.phase, 'off');
  t.end();
});

t.test('the state of the observers survives JSON', (t) => {
  const { module } = prepared();
  calibrate(module, batches(2, SHAPE));
  module.phase = 'train';
  module.batchNorm = 'frozen';
  const state = JSON.parse(JSON.stringify(module.extraState())) as ReturnType<typeof module.extraState>;
  const other = prepared().module;
  other.loadStateDict(module.stateDict());
  other.loadExtraState(state);
  t.equal(other.phase, 'train');
  const x = normal(SHAPE, 6);
  t.same(other.eval().forward(x).toArray(), module.eval().forward(x).toArray());
  const before = other.extraState();
  const { quantizers } = state;
  for (const [broken, code, message] of [
    [{ ...state, quantizers: [['nowhere', null], ...quantizers] }, 'quantization', /one of both.*nowhere/],
    [{ ...state, quantizers: quantizers.slice(1) }, 'quantization', /one of both.*input;/],
    [{ ...state, batchNorm: 'warm' }, 'format', /batchNorm warm/],
    [{ ...state, phase: 'on' }, 'format', /phase on/],
    [{ ...state, quantizers: [null] }, 'format', /extraState/],
    [{}, 'format', /extraState/],
    [null, 'format', /extraState/],
  ] as const) {
    t.throws(() => other.loadExtraState(broken as never), { code, message });
    t.same(other.extraState(), before, 'nothing has changed');
  }
  t.end();
});

t.test('gradients reach every parameter, with batch norm live and frozen', (t) => {
  const { module } = prepared();
  calibrate(module, batches(1, SHAPE)).train();
  for (const mode of ['live', 'frozen'] as const) {
    module.phase = 'train';
    module.batchNorm = mode;
    for (const p of module.parameters()) p.grad = null;
    const y = module.forward(normal(SHAPE, 12));
    y.backward(NDArray.full(y.shape, 1, 'float32'));
    for (const [name, p] of module.namedParameters())
      t.ok(p.grad !== null && p.grad.data.some((g) => g !== 0), `${mode}: ${name}`);
  }
  t.end();
});

t.test('live batch norm moves the running statistics, frozen and eval do not', (t) => {
  const { module } = prepared();
  calibrate(module, batches(1, SHAPE));
  module.phase = 'train';
  const mean = (): number[] => [...module.tensor('bn.runningMean').data];
  const before = mean();
  noGrad(() => module.forward(normal(SHAPE, 1)));
  module.train();
  module.batchNorm = 'frozen';
  noGrad(() => module.forward(normal(SHAPE, 1)));
  t.same(mean(), before);
  module.batchNorm = 'live';
  noGrad(() => module.forward(normal(SHAPE, 1)));
  t.not(mean()[0], before[0]);
  t.end();
});

t.test('a schedule freezes batch norm, then the observers', (t) => {
  const { module } = prepared();
  calibrate(module, batches(1, SHAPE));
  const at = qatSchedule(module, { totalSteps: 100, freezeBatchNormAt: 0.5, freezeObserversAt: 0.8 });
  const seen: string[] = [];
  for (const step of [0, 49, 50, 79, 80, 99]) {
    at(step);
    seen.push(`${module.batchNorm} ${module.phase}`);
  }
  t.same(seen, [
    'live train',
    'live train',
    'frozen train',
    'frozen train',
    'frozen frozen',
    'frozen frozen',
  ]);
  t.throws(() => qatSchedule(module, { totalSteps: NaN }), { code: 'argument', message: /totalSteps: NaN/ });
  t.throws(() => qatSchedule(module, { totalSteps: 10, freezeObserversAt: 2 }), {
    code: 'argument',
    message: /freezeObserversAt/,
  });
  t.end();
});

t.test('delayed quantization trains in float, then on ranges of the batches from there on', (t) => {
  const { module } = prepared(qatConfig({ weightQuantizer: lsq(), activationQuantizer: lsqPlus() }));
  calibrate(module, [mul(normal(SHAPE, 1), 100)]);
  const stale = module.valueQParams('input')!.scale[0];
  const at = qatSchedule(module.train(), { totalSteps: 10, quantizeAt: 0.35 });
  const trained = module.quantizerGroups(0.01);
  t.same(
    trained.map(({ lr, weightDecay }) => [lr, weightDecay]),
    [[0.001, 0]],
  );
  const weights = module.parameters().filter((p) => !module.quantizerParameters().includes(p));
  const optimizer = new AdamW([{ params: weights }, ...trained], { lr: 0.01 });
  const seen: string[] = [];
  for (let step = 0; step < 10; step++) {
    at(step);
    seen.push(`${module.batchNorm} ${module.phase}`);
    optimizer.zeroGrad();
    const x = normal(SHAPE, step);
    const y = module.forward(x);
    if (step === 4) t.ok(module.valueQParams('input')!.scale[0] < stale / 20, 'ranges begin afresh');
    mean(square(y)).backward();
    optimizer.step();
  }
  t.same(seen, [
    ...new Array<string>(4).fill('live off'),
    ...new Array<string>(3).fill('live train'),
    ...new Array<string>(2).fill('frozen train'),
    'frozen frozen',
  ]);
  t.equal(compareCodes(module.eval(), convert(module), [normal(SHAPE, 77)]).codesDifferent, 0);
  const bad = (schedule: object, message: RegExp) =>
    t.throws(() => qatSchedule(module, { totalSteps: 10, ...schedule }), { code: 'argument', message });
  bad({ quantizeAt: -0.1 }, /quantizeAt: -0.1 must be a fraction/);
  bad({ quantizeAt: 1 }, /quantizeAt: 1 leaves no step of 10/);
  bad(
    { quantizeAt: 0.6, freezeBatchNormAt: 0.5 },
    /freezeBatchNormAt: 0.5 is before quantization begins, at 0.6/,
  );
  t.end();
});

t.test('a delayed run goes on from a checkpoint with the same bits', (t) => {
  const run = (module: QuantizedModule, from: number, to: number, resumed?: () => void) => {
    const at = qatSchedule(module.train(), { totalSteps: 8, quantizeAt: 0.4 });
    resumed?.();
    for (let step = from; step < to; step++) {
      at(step);
      noGrad(() => module.forward(normal(SHAPE, step)));
    }
  };
  const make = () => calibrate(prepared().module, batches(1, SHAPE));
  const whole = make();
  run(whole, 0, 8);
  for (const stop of [2, 4, 6]) {
    const first = make();
    run(first, 0, stop);
    const [state, extra] = [first.stateDict(), JSON.stringify(first.extraState())];
    const second = make();
    run(second, stop, 8, () => {
      second.loadStateDict(state);
      second.loadExtraState(JSON.parse(extra) as QuantizationState);
    });
    const x = normal(SHAPE, 99);
    t.same(second.eval().forward(x).toArray(), whole.eval().forward(x).toArray(), `stopped before ${stop}`);
  }
  t.end();
});

t.test('weights of layers whose input stays float are still quantized', (t) => {
  const { module } = prepared(
    ptqConfig({ weightBits: 2, float: ['input', 'conv', 'maxPool2d', 'reshape', 'fc'] }),
  );
  calibrate(module, batches(1, SHAPE));
  const y = noGrad(() => module.forward(normal(SHAPE, 4)));
  module.phase = 'off';
  const float = noGrad(() => module.forward(normal(SHAPE, 4)));
  t.ok(
    float.data.some((v, i) => Math.abs(v - y.data[i]) > 1e-3),
    'two bits change the result',
  );
  t.end();
});

t.test('batch norm that cannot be folded is refused', (t) => {
  class Loose extends Module {
    readonly weight = new Linear(2, 2);
    override forward(x: Tensor): Tensor {
      const { runningMean, runningVar, weight, bias } = this.bn;
      return this.weight.forward(batchNorm(x, weight, bias, { runningMean, runningVar, training: false }));
    }
    readonly bn = {
      runningMean: NDArray.zeros([2], 'float32'),
      runningVar: NDArray.full([2], 1, 'float32'),
      weight: new Tensor(NDArray.full([2], 1, 'float32')),
      bias: new Tensor(NDArray.zeros([2], 'float32')),
    };
    override *namedParameters() {
      yield* super.namedParameters();
      yield ['bn.weight', this.bn.weight] as never;
      yield ['bn.bias', this.bn.bias] as never;
    }
    override *namedBuffers() {
      yield ['bn.runningMean', { value: this.bn.runningMean }] as never;
      yield ['bn.runningVar', { value: this.bn.runningVar }] as never;
    }
  }
  t.throws(() => prepare(trace(new Loose(), normal([2, 2])), ptqConfig()), {
    code: 'quantization',
    message: /batch norm follows no conv or linear/,
  });
  t.end();
});
