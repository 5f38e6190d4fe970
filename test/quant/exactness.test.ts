/** What you train is what you run: the codes of the fake-quantized network are those of the integer runtime. */
import t from 'tap';
import { js, reference, wasm, wasmFeatures } from '../../kernels/index.js';
import { noGrad, tensor, type Tensor } from '../../src/autograd/index.js';
import { GraphBuilder, type Numerics } from '../../src/graph/index.js';
import { Random } from '../../src/core/index.js';
import { createModel } from '../../src/models/index.js';
import { Conv2d, Module } from '../../src/nn/index.js';
import {
  cat,
  crossEntropy,
  mul,
  permute,
  relu,
  setBackend,
  sigmoid,
  upsampleNearest2d,
} from '../../src/ops/index.js';
import { SGD } from '../../src/optim/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
} from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { trace } from '../../src/trace/index.js';
import { decodeModel, encodeModel } from '../../src/formats/index.js';
import { importedOps } from '../support/graphs.js';
import { batches, EveryOp, normal, roughen, TinyCnn } from '../support/models.js';

const NUMERICS: readonly Numerics[] = [
  { numerics: 'float' },
  { numerics: 'fixed', rounding: 'double' },
  { numerics: 'fixed', rounding: 'single' },
];

t.test(
  'every op, both arithmetics, signed and unsigned, 8 and 4 bits, both backends: 0 different codes',
  (t) => {
    const shape = [4, 8, 8, 2];
    for (const numerics of NUMERICS)
      for (const signed of [true, false])
        for (const bits of [8, 4]) {
          const model = new EveryOp();
          roughen(model);
          const config = ptqConfig({ numerics, signed, weightBits: bits, activationBits: bits });
          const module = calibrate(prepare(trace(model, normal(shape)), config), batches(3, shape));
          const graph = convert(module);
          for (const backend of [js, reference]) {
            const result = compareCodes(module, graph, batches(3, shape, 500), { backend });
            const label = `${JSON.stringify(numerics)} ${signed ? 'int' : 'uint'}${bits}`;
            t.equal(result.codesDifferent, 0, `${label}: ${JSON.stringify([...result.byValue])}`);
            t.ok(result.codesCompared > 10_000, 'many codes were compared');
          }
        }
    t.end();
  },
);

t.test('the three networks of the demo, W8A8 and W4A8: 0 different codes', (t) => {
  const shape = [2, 28, 28, 1];
  for (const name of ['plain', 'residual', 'depthwise'])
    for (const weightBits of [8, 4]) {
      const model = createModel(name, { seed: 3 });
      roughen(model);
      const module = calibrate(
        prepare(trace(model, normal(shape)), ptqConfig({ weightBits })),
        batches(2, shape),
      );
      const result = compareCodes(module, convert(module), batches(2, shape, 900));
      t.equal(result.codesDifferent, 0, `${name} W${weightBits}A8`);
      t.equal(result.images, 4);
    }
  t.end();
});

t.test('target w8a7: unsigned codes of 7 bits, and 0 different ones on every backend', (t) => {
  const shape = [4, 8, 8, 2];
  for (const Model of [EveryOp, TinyCnn])
    for (const numerics of NUMERICS) {
      const model = new Model();
      roughen(model);
      const config = ptqConfig({ target: 'w8a7', numerics });
      const module = calibrate(prepare(trace(model, normal(shape)), config), batches(3, shape));
      const graph = convert(module);
      for (const { qparams } of graph.values.values())
        if (qparams !== null) t.same([qparams.quantMin, qparams.quantMax], [0, 127]);
      for (const backend of [wasm, js, reference]) {
        const { codesDifferent } = compareCodes(module, graph, batches(3, shape, 500), { backend });
        t.equal(codesDifferent, 0, JSON.stringify(numerics));
      }
    }
  t.equal(qatConfig({ target: 'w8a7' }).activations.range.quantMax, 127);
  t.throws(() => ptqConfig({ target: 'w8a7', activationBits: 8 }), {
    message: /activationBits: target w8a7 sets it to 7/,
  });
  t.throws(() => ptqConfig({ target: 'w9' as 'w8a7' }), { message: /target: w9 is unknown/ });
  t.end();
});

t.test('7-bit codes run on relaxed SIMD where the engine has it, and only there', (t) => {
  const shape = [4, 8, 8, 2];
  const { relaxedSimd } = wasmFeatures();
  for (const [options, narrow] of [
    [{ target: 'w8a7' }, true],
    [{ signed: false }, false],
  ] as const) {
    const module = prepare(trace(new TinyCnn(), normal(shape)), ptqConfig(options));
    const { kernels } = new Session(convert(calibrate(module, batches(1, shape))), { batch: 4 });
    const used = kernels.some(({ kernel }) => kernel.includes('i7'));
    t.equal(used, narrow && relaxedSimd, kernels.map((k) => k.kernel).join(' '));
  }
  t.end();
});

t.test('after quantization-aware training, and whichever backend the training ran on', (t) => {
  const shape = [8, 8, 8, 2];
  const model = new TinyCnn();
  const module = calibrate(
    prepare(trace(model, normal(shape)), qatConfig({ weightBits: 4 })),
    batches(1, shape),
  );
  const schedule = qatSchedule(module, { totalSteps: 8 });
  const optimizer = new SGD(module.parameters(), { lr: 0.05 });
  module.train();
  const target = tensor([0, 1, 2, 0, 1, 2, 0, 1], { dtype: 'int32' });
  batches(8, shape, 40).forEach((x, step) => {
    schedule(step);
    optimizer.zeroGrad();
    crossEntropy(module.forward(x), target).backward();
    optimizer.step();
  });
  t.equal(module.phase, 'frozen');
  t.equal(module.batchNorm, 'frozen');

  // frozen, training mode and eval mode are the same network
  const x = normal(shape, 77);
  const trained = module.forward(x).toArray();
  module.eval();
  t.same(noGrad(() => module.forward(x)).toArray(), trained, 'training mode gives the values of eval mode');

  const graph = convert(module);
  t.equal(compareCodes(module, graph, batches(4, shape, 60)).codesDifferent, 0);
  const restore = setBackend(reference);
  t.teardown(restore);
  t.equal(compareCodes(module, graph, batches(4, shape, 60), { backend: js }).codesDifferent, 0);
  t.same(new Session(graph).run(x.value).data, (trained as number[][]).flat(), 'and the outputs are equal');
  t.end();
});

for (const numerics of [{ numerics: 'float' }, { numerics: 'fixed', rounding: 'double' }] as const)
  for (const signed of [true, false])
    t.test(`nodes of imported networks, ${JSON.stringify(numerics)}, ${signed ? 'int8' : 'uint8'}`, (t) => {
      const shape = [3, 6, 5, 4];
      const config = ptqConfig({ numerics, signed });
      const module = calibrate(prepare(importedOps(), config), batches(2, shape));
      const graph = decodeModel(encodeModel(convert(module))).graph;
      for (const backend of [wasm, js, reference]) {
        const result = compareCodes(module, graph, batches(2, shape, 50), { backend });
        t.equal(result.codesDifferent, 0, [...result.byValue].join(' '));
      }
      t.end();
    });

t.test('one scale for what a concatenation joins', (t) => {
  class Heads extends Module {
    readonly a = new Conv2d(2, 3, 1, { random: new Random(1) });
    readonly b = new Conv2d(2, 3, 1, { random: new Random(2) });
    override forward(x: Tensor): Tensor {
      const boxes = mul(this.a.forward(x), this.a.forward(x));
      const scores = sigmoid(this.b.forward(x));
      return cat([relu(cat([boxes, flip(scores)], { axis: 3 })), cat([scores, boxes], { axis: 3 })], {
        axis: 3,
      });
    }
  }
  const flip = (x: Tensor): Tensor => permute(permute(x, [0, 2, 1, 3]), [0, 2, 1, 3]);
  const shape = [2, 4, 4, 2];
  const model = new Heads();
  model.a.weight.data.forEach((_, i, w) => (w[i] *= 10));
  const free = calibrate(prepare(trace(model, normal(shape)), ptqConfig()), batches(2, shape));
  const module = calibrate(
    prepare(trace(model, normal(shape)), ptqConfig({ concat: 'equal' })),
    batches(2, shape),
  );
  const graph = convert(module);
  for (const node of graph.nodes)
    if (node.op === 'concat')
      for (const id of node.inputs)
        t.same(graph.values.get(id)!.qparams, graph.values.get(node.id)!.qparams, `${id} of ${node.id}`);
  t.equal(graph.nodes.filter((n) => n.op === 'activation' && n.activation === 'none').length, 2);
  t.notSame(free.valueQParams('sigmoid'), free.valueQParams('concat'), 'free, each has its own');
  t.equal(compareCodes(module, graph, batches(2, shape, 50)).codesDifferent, 0);

  const trained = prepare(trace(model, normal(shape)), qatConfig({ concat: 'equal' })).train();
  trained.phase = 'train';
  for (const x of batches(3, shape)) trained.forward(x);
  const big = trained.valueQParams('mul')!;
  t.ok(big.scale[0] * 255 > 10, 'in training, the range of the group is that of its widest member');
  t.same(trained.valueQParams('concat'), big);
  t.end();
});

t.test('resizing to sizes whose ratio is no float32', (t) => {
  class Enlarge extends Module {
    readonly conv = new Conv2d(1, 2, 1);
    override forward(x: Tensor): Tensor {
      return upsampleNearest2d(this.conv.forward(x), { size: [82, 55] });
    }
  }
  const shape = [1, 2, 3, 1];
  const module = calibrate(prepare(trace(new Enlarge(), normal(shape)), ptqConfig()), batches(1, shape));
  t.equal(compareCodes(module, convert(module), batches(2, shape)).codesDifferent, 0);
  t.end();
});

t.test('a difference is found and located', (t) => {
  const shape = [2, 8, 8, 2];
  const module = calibrate(prepare(trace(new TinyCnn(), normal(shape)), ptqConfig()), batches(1, shape));
  const graph = convert(module);
  const weights = graph.params.get('fc.weight')!.array.data;
  weights[0] = weights[0] === 100 ? -100 : 100;
  const result = compareCodes(module, graph, batches(2, shape));
  t.ok(result.codesDifferent > 0);
  t.same([...result.byValue.keys()], ['fc']);
  t.end();
});

t.test('comparing needs eval mode and quantization', (t) => {
  const shape = [2, 8, 8, 2];
  const module = calibrate(prepare(trace(new TinyCnn(), normal(shape)), ptqConfig()), batches(1, shape));
  const graph = convert(module);
  module.train();
  t.throws(() => compareCodes(module, graph, batches(1, shape)), { code: 'quantization', message: /eval/ });
  module.eval();
  module.phase = 'off';
  t.throws(() => compareCodes(module, graph, batches(1, shape)), { code: 'quantization' });
  t.end();
});

t.test('networks of several inputs and outputs, on any batch', (t) => {
  const build = new GraphBuilder();
  const [a, b] = ['a', 'b'].map((name) => build.input(name, [1, 4]));
  const sum = build.node('sum', { op: 'add', inputs: [a, b], activation: 'relu' });
  const gate = build.node('gate', { op: 'unary', inputs: [b], fn: 'sigmoid', alpha: 0, beta: 0 });
  const graph = build.finish([gate, sum], 'free');
  const batch = (seed: number) =>
    new Map([
      ['a', normal([3, 4], seed)],
      ['b', normal([3, 4], seed + 1)],
    ]);
  const module = calibrate(prepare(graph, ptqConfig()), [batch(1), batch(3)]);
  const outputs: string[][] = [];
  const result = compareCodes(module, convert(module), [batch(5)], {
    onOutput: (first, _, all) => {
      t.same([...all.values()][0].data, first.data);
      outputs.push([...all.keys()]);
    },
  });
  t.same(outputs, [['gate/dequantize', 'sum/dequantize']]);
  t.equal(result.codesDifferent, 0);
  t.equal(result.codesCompared, 4 * 12);
  t.equal(result.images, 3);
  t.throws(() => calibrate(prepare(graph, ptqConfig()), [normal([3, 4])]), /give a Map of tensors by name/);
  t.end();
});
