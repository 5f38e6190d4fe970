/** Distillation: the loss and its gradients, hints, cached teachers, fit, and the whole way prune, distil, QAT, integers. */
import t from 'tap';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import {
  CachedTeacher,
  Distillation,
  Pruner,
  pruneChannels,
  type Hint,
  type Teacher,
} from '../../src/compress/index.js';
import { NDArray, Random } from '../../src/core/index.js';
import { ArrayDataset, DataLoader } from '../../src/data/index.js';
import { crossEntropy, tidy } from '../../src/ops/index.js';
import { Adam } from '../../src/optim/index.js';
import { calibrate, compareCodes, convert, lsq, lsqPlus, prepare, qatConfig } from '../../src/quant/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { evaluate, fit } from '../../src/train/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];
const labels = new Tensor(new NDArray(Int32Array.of(0, 1, 2, 0), [4]));

function graphOf(seed: number): ReturnType<typeof trace> {
  const model = new TinyCnn();
  roughen(model, seed);
  model.fc.weight.data.set(normal([192], seed, 0.2).data);
  return trace(model, normal(SHAPE));
}

const softmaxOf = (row: readonly number[], temperature: number): number[] => {
  const e = row.map((v) => Math.exp(v / temperature));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
};

t.test('the gradient of the logits: alpha T (student - teacher) + (1 - alpha) (student - label)', (t) => {
  const [student, teacher] = [new GraphModule(graphOf(1)), new GraphModule(graphOf(2))];
  const [temperature, alpha] = [3, 0.7];
  const distillation = new Distillation({ student, teacher, temperature, alpha }).train();
  const x = normal(SHAPE, 5);
  const output = distillation.forward(x);
  distillation.loss(output, labels).backward();
  const logits = noGrad(() => teacher.forward(x));
  t.notOk(teacher.training);
  // the bias of the last layer gets the sum of the gradients of the logits
  const expected = [0, 0, 0];
  for (let n = 0; n < 4; n++) {
    const row = (of: Tensor): number[] => [...of.data.slice(3 * n, 3 * n + 3)];
    const hard = softmaxOf(row(output), 1);
    const soft = softmaxOf(row(output), temperature);
    const goal = softmaxOf(row(logits), temperature);
    for (let c = 0; c < 3; c++)
      expected[c] +=
        (alpha * temperature * (soft[c] - goal[c]) + (1 - alpha) * (hard[c] - Number(labels.data[n] === c))) /
        4;
  }
  const grad = student.tensor('fc.bias').grad!.data;
  expected.forEach((g, c) => t.ok(Math.abs(grad[c] - g) < 1e-5, `${grad[c]} ${g}`));
  t.ok(
    teacher.parameters().every((p) => p.grad === null),
    'the teacher learns nothing',
  );
  t.throws(() => distillation.loss(output, labels), { code: 'argument', message: /forward first/ });
  distillation.train(false);
  const plain = distillation.forward(x);
  t.equal(distillation.loss(plain, labels).item(), crossEntropy(plain, labels).item(), 'eval: labels alone');
  t.end();
});

t.test('hints draw inner values to those of the teacher, by a map where channels differ', (t) => {
  const teacher = new GraphModule(graphOf(2));
  const thin = pruneChannels(graphOf(1), { fraction: 0.5 });
  const student = new GraphModule(thin);
  const hints = [{ student: 'maxPool2d', teacher: 'maxPool2d', weight: 2 }];
  const random = new Random(3);
  const distillation = new Distillation({ student, teacher, hints, alpha: 0, random }).train();
  const own = student.parameters().length;
  t.equal(distillation.parameters().length, own + 1);
  const x = normal(SHAPE, 5);
  const distance = (): number =>
    distillation.loss(distillation.forward(x), labels).item() -
    crossEntropy(
      noGrad(() => student.forward(x)),
      labels,
    ).item();
  const before = distance();
  const state = distillation.stateDict();
  t.same(state.get('hints.0')!.shape, [4, 2]);
  const optimizer = new Adam(distillation.parameters(), { lr: 0.02 });
  for (let i = 0; i < 20; i++) {
    optimizer.zeroGrad();
    tidy(() => distillation.loss(distillation.forward(x), labels).backward());
    optimizer.step();
  }
  const after = distance();
  t.ok(before > 0 && after < 0.8 * before, `${before} -> ${after}`);
  distillation.loadStateDict(state);
  t.same(distillation.stateDict(), state);
  t.ok(Math.abs(distance() - before) < 1e-4);
  t.end();
});

t.test('hints count as much as they weigh', (t) => {
  const [student, teacher] = [new GraphModule(graphOf(1)), new GraphModule(graphOf(2))];
  const x = normal(SHAPE, 5);
  const valuesOf = (network: GraphModule) => noGrad(() => network.runAll(new Map([['input', x]])));
  const lossOf = (hints: readonly Hint[]): number => {
    const distillation = new Distillation({ student, teacher, hints }).train();
    return distillation.loss(distillation.forward(x), labels).item();
  };
  const plain = lossOf([]);
  const distanceOf = (id: string): number => {
    const [a, b] = [valuesOf(student), valuesOf(teacher)].map((values) => [...values.get(id)!.data]);
    return a.reduce((sum, v, i) => sum + (v - b[i]) ** 2 / a.length, 0);
  };
  const [conv, fc] = ['conv', 'fc'].map(distanceOf);
  const hint = (id: string, weight?: number): Hint => ({
    student: id,
    teacher: id,
    weight: weight as number,
  });
  for (const [hints, expected] of [
    [[hint('conv', 3)], 3 * conv],
    [[hint('conv', 0.25), hint('fc', 2)], 0.25 * conv + 2 * fc],
    [[hint('fc')], fc],
    [[hint('fc', 0)], 0],
  ] as const) {
    const added = lossOf(hints) - plain;
    t.ok(Math.abs(added - expected) < 1e-4 * Math.max(1, expected), `${added} ${expected}`);
  }
  t.end();
});

t.test('a cached teacher keeps what hints look at', (t) => {
  const hints = [{ student: 'maxPool2d', teacher: 'maxPool2d' }];
  const lossesWith = (teacher: Teacher): number[] => {
    const student = new GraphModule(pruneChannels(graphOf(1), { fraction: 0.5 }));
    const distillation = new Distillation({ student, teacher, hints, random: new Random(3) }).train();
    const optimizer = new Adam(distillation.parameters(), { lr: 0.02 });
    return Array.from({ length: 6 }, (_, i) => {
      optimizer.zeroGrad();
      const loss = distillation.loss(distillation.forward(normal(SHAPE, i % 2)), labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
  };
  let asked = 0;
  class Counted extends GraphModule {
    override runAll(inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
      asked++;
      return super.runAll(inputs);
    }
  }
  const cached = new CachedTeacher(new Counted(graphOf(2)), { values: ['fc', 'maxPool2d'] });
  t.same(lossesWith(cached), lossesWith(new GraphModule(graphOf(2))));
  t.equal(asked, 2, 'once for each batch');
  t.equal(cached.size, 8);
  const bad = (teacher: () => Teacher, message: RegExp) =>
    t.throws(() => lossesWith(teacher()), { code: 'argument', message });
  bad(
    () => new CachedTeacher(new GraphModule(graphOf(2))),
    /does not keep maxPool2d; name it in its option values/,
  );
  bad(
    () => new CachedTeacher(new GraphModule(graphOf(2)), { values: ['x'] }),
    /x is not a value of the teacher/,
  );
  bad(() => new CachedTeacher(new TinyCnn(), { values: ['x'] }), /the teacher has no values to look at/);
  t.end();
});

t.test('hints and quantization-aware training: values come nearer, and no code differs', (t) => {
  const teacher = new GraphModule(graphOf(2));
  const graph = pruneChannels(graphOf(1), { fraction: 0.5 });
  const config = qatConfig({ weightBits: 4, activationBits: 6, activationQuantizer: lsqPlus() });
  const student = calibrate(prepare(graph, config), batches(2, SHAPE));
  student.phase = 'train';
  const hints = [{ student: 'maxPool2d', teacher: 'maxPool2d', weight: 5 }];
  const distillation = new Distillation({ student, teacher, hints, random: new Random(3) }).train();
  const optimizer = new Adam(distillation.parameters(), { lr: 0.01 });
  const losses = Array.from({ length: 20 }, () => {
    optimizer.zeroGrad();
    const loss = tidy(() => {
      const value = distillation.loss(distillation.forward(normal(SHAPE, 5)), labels);
      value.backward();
      return value.item();
    });
    optimizer.step();
    return loss;
  });
  t.ok(losses[19] < 0.8 * losses[0], `${losses[0]} -> ${losses[19]}`);
  distillation.train(false);
  const integers = convert(student);
  t.notOk(
    [...integers.params.keys()].some((id) => id.startsWith('hints')),
    'maps are left behind',
  );
  const { codesCompared, codesDifferent } = compareCodes(student, integers, batches(3, SHAPE, 500));
  t.ok(codesCompared > 0);
  t.equal(codesDifferent, 0);
  t.end();
});

t.test('a cached teacher is asked once about each input, and answers alike', (t) => {
  const real = new GraphModule(graphOf(2)).eval();
  let asked = 0;
  const counting: Teacher = { forward: (x) => ((asked += x.shape[0]), real.forward(x)) };
  const cached = new CachedTeacher(counting);
  const x = normal(SHAPE, 5);
  const reversed = new Tensor(
    new NDArray(
      Float32Array.from(x.data, (_, i) => x.data[(3 - Math.floor(i / 128)) * 128 + (i % 128)]),
      SHAPE,
    ),
  );
  for (const input of [x, x, reversed, x])
    t.same(cached.forward(input).toArray(), real.forward(input).toArray());
  t.equal(asked, 4);
  t.equal(cached.size, 4);
  const half = new Tensor(
    new NDArray(
      Float32Array.from(x.data, (v, i) => (i < 256 ? v : -v)),
      SHAPE,
    ),
  );
  t.same(cached.forward(half).toArray(), real.forward(half).toArray());
  t.equal(asked, 8, 'a batch is asked as a whole');
  t.equal(cached.size, 6);
  t.end();
});

t.test('inputs of every type are told apart by all their bytes', (t) => {
  const kept = (x: NDArray): number => {
    const cached = new CachedTeacher({
      forward: (y) => new Tensor(NDArray.zeros([y.shape[0], 3], 'float32')),
    });
    cached.forward(new Tensor(x));
    return cached.size;
  };
  // rows that differ in their last element alone
  for (const row of [5, 6, 7, 8])
    for (const dtype of ['float32', 'float64', 'int32', 'uint8', 'int8'] as const) {
      const x = NDArray.zeros([3, row], dtype);
      for (const n of [1, 2]) x.data[n * row + row - 1] = n;
      t.equal(kept(x), 3, `${dtype}, ${row} in a row`);
    }
  const apart = NDArray.zeros([2, 4], 'float64');
  apart.data[7] = 2 ** -60;
  t.equal(kept(apart), 2);
  t.equal(kept(NDArray.zeros([4, 5], 'uint8')), 1, 'equal rows are one');
  t.end();
});

t.test('bad options are named', (t) => {
  const [student, teacher] = [new GraphModule(graphOf(1)), new GraphModule(graphOf(2))];
  for (const [options, message] of [
    [{ temperature: 0 }, /temperature: 0/],
    [{ temperature: Infinity }, /temperature: Infinity/],
    ...[NaN, -1, Infinity].map(
      (weight) =>
        [{ hints: [{ student: 'fc', teacher: 'fc', weight }] }, RegExp(`weight of fc is ${weight}`)] as const,
    ),
    [{ alpha: 2 }, /alpha: 2/],
    [{ hints: [{ student: 'x', teacher: 'fc' }] }, /x is not a value of the student/],
    [{ hints: [{ student: 'conv', teacher: 'fc' }] }, /channels only/],
    [{ teacher: new CachedTeacher(teacher), hints: [{ student: 'fc', teacher: 'fc' }] }, /does not keep fc/],
  ] as const)
    t.throws(() => new Distillation({ student, teacher, ...options }), { code: 'argument', message });
  t.end();
});

t.test('prune, distil, QAT, integers: masks hold, and no code differs', async (t) => {
  const images = new NDArray(
    Uint8Array.from({ length: 16 * 128 }, (_, i) => (i * 37 + (i >> 7) * 11) % 256),
    [16, 8, 8, 2],
  );
  const dataset = new ArrayDataset(
    images,
    new NDArray(
      Int32Array.from({ length: 16 }, (_, i) => i % 3),
      [16],
    ),
  );
  const loader = new DataLoader(dataset, { batchSize: 4, mean: 0.5, std: 0.25 });
  const teacher = new CachedTeacher(new GraphModule(graphOf(2)));

  const float = new GraphModule(pruneChannels(graphOf(2), { fraction: 0.25 }));
  const pruner = new Pruner(float);
  pruner.prune(0.5);
  const distilled = new Distillation({ student: float, teacher });
  const before = await evaluate({ model: float, loader });
  const outcome = await fit({
    model: distilled,
    loss: distilled.loss,
    optimizer: new Adam(distilled.parameters(), { lr: 3e-3 }),
    loader,
    validation: loader,
    epochs: 2,
    onStep: () => pruner.step(),
  });
  t.equal(outcome.stopped, 'finished');
  t.ok(Math.abs(pruner.sparsity - 0.5) < 0.01);
  t.not(outcome.history[1].validation!.loss, before.loss);

  const config = qatConfig({
    weightBits: 4,
    activationBits: 4,
    weightQuantizer: lsq(),
    activationQuantizer: lsqPlus(),
  });
  const module = prepare(float.graph, config);
  calibrate(module, batches(2, SHAPE));
  module.phase = 'train';
  const kept = Pruner.keepingZeros(module);
  t.same(kept.masks(), pruner.masks());
  const student = new Distillation({ student: module, teacher });
  const trained = await fit({
    model: student,
    loss: student.loss,
    optimizer: new Adam(student.parameters(), { lr: 1e-3 }),
    loader,
    epochs: 2,
    onStep: () => kept.step(),
  });
  t.equal(trained.stopped, 'finished');
  const graph = convert(module.eval());
  const zeros = (ids: readonly string[]): number =>
    ids.reduce((n, id) => n + [...graph.params.get(id)!.array.data].filter((q) => q === 0).length, 0);
  const masks = kept.masks();
  for (const [id, mask] of masks)
    t.ok(mask.every((m, i) => m === 1 || graph.params.get(id)!.array.data[i] === 0));
  t.ok(zeros([...masks.keys()]) >= 0.5 * [...masks.values()].reduce((n, m) => n + m.length, 0) - 1);
  t.equal(compareCodes(module, graph, batches(3, SHAPE, 500)).codesDifferent, 0);
});
