import t from 'tap';
import { tensor, type Tensor } from '../../src/autograd/index.js';
import { NDArray, Random } from '../../src/core/index.js';
import { ArrayDataset, DataLoader, type Position } from '../../src/data/index.js';
import { BatchNorm, Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js';
import { AdamW, cosine, Schedule, SGD } from '../../src/optim/index.js';
import { mseLoss, relu } from '../../src/ops/index.js';
import { prepare, qatConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { evaluate, fit, type EpochEvent, type StepEvent } from '../../src/train/index.js';

/** 4 x 4 images with one bright half; the label says which. */
function halves(count: number): ArrayDataset {
  const random = new Random('halves');
  const images = NDArray.zeros([count, 4, 4], 'uint8');
  const labels = NDArray.zeros([count], 'int32');
  for (let i = 0; i < count; i++) {
    const label = random.int(4);
    labels.data[i] = label;
    for (let k = 0; k < 16; k++) {
      const [row, column] = [k >> 2, k & 3];
      const bright = [row < 2, row >= 2, column < 2, column >= 2][label];
      images.data[16 * i + k] = (bright ? 150 : 0) + random.int(100);
    }
  }
  return new ArrayDataset(images, labels);
}

const DATA = halves(96);

function setUp() {
  const random = new Random(7);
  const model = new Sequential(
    new Flatten(),
    new Linear(16, 12, { random }),
    new BatchNorm(12),
    new ReLU(),
    new Linear(12, 4, { random }),
  );
  const optimizer = new AdamW(model.parameters(), { lr: 0.02 });
  const schedule = new Schedule(optimizer, cosine({ tMax: 36 }));
  const loader = new DataLoader(DATA, { batchSize: 8, shuffle: true, seed: 3, augment: { flip: false } });
  return { model, optimizer, schedule, loader };
}

const weights = (model: Sequential): number[] => [...model.stateDict().values()].flatMap((a) => [...a.data]);

t.test('a run learns, and reports steps and epochs', async (t) => {
  const run = setUp();
  const steps: StepEvent[] = [];
  const epochs: EpochEvent[] = [];
  const outcome = await fit({
    ...run,
    epochs: 3,
    clip: { norm: 1, value: 10 },
    validation: new DataLoader(DATA, { batchSize: 32 }),
    onStep: (e) => steps.push(e),
    onEpoch: (e) => epochs.push(e),
  });
  t.equal(outcome.stopped, 'finished');
  t.same(outcome.position, { epoch: 3, batch: 0 });
  t.same(outcome.history, epochs);
  t.equal(steps.length, 36);
  t.match(steps[13], { epoch: 1, batch: 1, epochs: 3, batches: 12 });
  t.ok(steps.every((e) => e.gradNorm !== null && e.gradNorm > 0 && e.imagesPerSecond > 0));
  t.equal(steps[0].lr, 0.02);
  t.ok(steps[35].lr < 0.001);
  t.equal(steps[35].secondsLeft, 0);
  t.ok(steps[0].secondsLeft > 0);
  t.ok(epochs[2].loss < epochs[0].loss);
  t.equal(epochs[2].validation?.images, 96);
  t.ok(epochs[2].validation!.accuracy! > 0.95);
  t.equal(run.model.training, true, 'the mode is put back');
});

t.test('two runs give the same bits', async (t) => {
  const [a, b] = [setUp(), setUp()];
  const [x, y] = [await fit({ ...a, epochs: 2 }), await fit({ ...b, epochs: 2 })];
  t.same(weights(a.model), weights(b.model));
  t.equal(x.history[1].loss, y.history[1].loss);
});

t.test('a run that is stopped and resumed gives the bits of one that was not', async (t) => {
  const straight = setUp();
  await fit({ ...straight, epochs: 2 });

  for (const stopAfter of [5, 12, 17]) {
    const first = setUp();
    const control = new AbortController();
    let steps = 0;
    const outcome = await fit({
      ...first,
      epochs: 2,
      signal: control.signal,
      onStep: () => {
        if (++steps === stopAfter) control.abort();
      },
    });
    t.equal(outcome.stopped, 'aborted');
    t.equal(steps, stopAfter);
    t.same(outcome.position, { epoch: Math.floor(stopAfter / 12), batch: stopAfter % 12 });

    const second = setUp();
    second.model.loadStateDict(first.model.stateDict());
    second.optimizer.load(first.optimizer.state());
    second.schedule.load(first.schedule.state());
    const start = JSON.parse(JSON.stringify(outcome.position)) as Position;
    t.equal((await fit({ ...second, epochs: 2, start })).stopped, 'finished');
    t.same(weights(second.model), weights(straight.model));
  }
});

t.test('a signal that comes from outside is seen while the loop computes', async (t) => {
  const control = new AbortController();
  setTimeout(() => control.abort(), 20);
  const outcome = await fit({ ...setUp(), epochs: 1_000_000, signal: control.signal });
  t.equal(outcome.stopped, 'aborted');
});

t.test('a loss that is not finite ends the run with the last good weights', async (t) => {
  const run = setUp();
  let steps = 0;
  let good: number[] = [];
  const outcome = await fit({
    ...run,
    epochs: 3,
    onEpoch: () => {
      good = weights(run.model);
    },
    onStep: () => {
      if (++steps === 15) run.model.parameters()[0].data[0] = NaN;
    },
  });
  t.match(outcome, {
    stopped: 'diverged',
    position: { epoch: 1, batch: 0 },
    at: { epoch: 1, batch: 3 },
    message: /epoch 2, batch 4: the loss is NaN; .* learning rate/,
  });
  t.same(weights(run.model), good);
  t.equal(outcome.history.length, 1);
  t.same(run.schedule.state().step, 12);
  t.same(run.optimizer.state().steps, new Array(6).fill(12));

  const again = await fit({ ...run, epochs: 3, start: outcome.position });
  t.equal(again.stopped, 'finished', 'and can go on from there');
  const straight = setUp();
  await fit({ ...straight, epochs: 3 });
  t.same(weights(run.model), weights(straight.model));
});

t.test('weights that are not finite after the last step of an epoch count as well', async (t) => {
  const run = setUp();
  const before = weights(run.model);
  let steps = 0;
  const outcome = await fit({
    ...run,
    epochs: 1,
    onStep: () => {
      if (++steps === 12) run.model.parameters()[1].data[0] = Infinity;
    },
  });
  t.match(outcome, { stopped: 'diverged', message: /a parameter of shape \[12\] holds Infinity/ });
  t.same(weights(run.model), before);
});

t.test('quantized training diverges like any other, although its observers throw', async (t) => {
  const run = setUp();
  const [batch] = run.loader.batches();
  const model = prepare(trace(run.model, batch.inputs), qatConfig());
  model.phase = 'train';
  const optimizer = new AdamW(model.parameters(), { lr: 0.01 });
  let steps = 0;
  const outcome = await fit({
    model,
    optimizer,
    loader: run.loader,
    epochs: 2,
    onStep: () => {
      if (++steps === 15) model.parameters()[0].data[0] = NaN;
    },
  });
  t.match(outcome, { stopped: 'diverged', position: { epoch: 1, batch: 0 }, at: { epoch: 1, batch: 3 } });
  t.ok(model.parameters()[0].data.every(Number.isFinite), 'the weights are back');
  model.phase = 'calibrate';
  await t.rejects(fit({ model, optimizer, loader: run.loader, epochs: 1 }), {
    code: 'quantization',
    message: /'calibrate' observes and does not train/,
  });
});

t.test('an absurd learning rate diverges instead of returning garbage', async (t) => {
  const run = setUp();
  const optimizer = new SGD(run.model.parameters(), { lr: 1e30 });
  const outcome = await fit({ model: run.model, loader: run.loader, optimizer, epochs: 1 });
  t.equal(outcome.stopped, 'diverged');
  t.ok(weights(run.model).every(Number.isFinite));
});

t.test('any loss and any object with the methods of a model will do', async (t) => {
  const { model: inner, loader } = setUp();
  const model = {
    training: true,
    forward: (x: Tensor): Tensor => relu(inner.forward(x)),
    parameters: () => inner.parameters(),
    train(on = true) {
      this.training = on;
      inner.train(on);
    },
    stateDict: () => inner.stateDict(),
    loadStateDict: (s: ReadonlyMap<string, NDArray>) => inner.loadStateDict(s),
  };
  const target = tensor(new Float32Array(32), { shape: [8, 4] });
  const loss = (output: Tensor): Tensor => mseLoss(output, target);
  const optimizer = new SGD(inner.parameters(), { lr: 0.1 });
  const { history } = await fit({ model, loader, optimizer, epochs: 2, loss });
  t.ok(history[1].loss < history[0].loss);
});

t.test('evaluation leaves the model as it was', async (t) => {
  const { model } = setUp();
  const loader = new DataLoader(DATA, { batchSize: 10 });
  const before = weights(model);
  const dropping = new Sequential(model, new Dropout(0.9));
  const a = await evaluate({ model: dropping, loader });
  t.same(weights(model), before);
  t.equal(dropping.training, true);
  t.same(await evaluate({ model: dropping.eval(), loader }), a);
  t.equal(dropping.training, false);
  t.equal(a.images, 96);
});

t.test('an evaluation can be stopped', async (t) => {
  const { model } = setUp();
  const result = await evaluate({
    model,
    loader: new DataLoader(DATA, { batchSize: 10 }),
    signal: { aborted: true },
  });
  t.equal(result.images, 10);
});

t.test('arguments out of range are refused', async (t) => {
  await t.rejects(fit({ ...setUp(), epochs: 0 }), { name: 'ArgumentError', message: /epochs: 0/ });
  await t.rejects(fit({ ...setUp(), epochs: 1, start: { epoch: 0, batch: 99 } }), { message: /position/ });
});
