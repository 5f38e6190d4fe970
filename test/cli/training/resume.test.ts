/** Trainings of every kind, stopped after any step, saved, read back into new objects: the same bits to the last. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  CachedTeacher,
  Distillation,
  gradualSparsity,
  pruneChannels,
  Pruner,
} from '../../../src/compress/index.js';
import {
  ArrayDataset,
  calibrate,
  convert,
  DataLoader,
  dorefa,
  FormatError,
  GraphModule,
  lsq,
  lsqPlus,
  models,
  NDArray,
  pact,
  prepare,
  qatConfig,
  Random,
  trace,
  type Graph,
  type QConfigOptions,
} from '../../../src/index.js';
import { encodeModel } from '../../../src/formats/index.js';
import { cloneParams } from '../../../src/trace/index.js';
import {
  Checkpoints,
  decodeRun,
  encodeRun,
  fitRun,
  floatRun,
  previousOf,
  qatRun,
  readCheckpoint,
  savedFit,
  tuningRun,
  type Run,
} from '../../../src/cli/training/index.js';
import { roughen, TinyCnn } from '../../support/models.js';
import { abortedAtLook } from '../harness.js';

const endsAtOnce = <T>(f: () => Promise<T>): Promise<T> => f();
const random = new Random('resume');
const images = NDArray.zeros([40, 8, 8, 2], 'uint8');
images.data.forEach((_, i, data) => (data[i] = random.uniform(0, 256)));
const labels = new NDArray(
  Int32Array.from({ length: 40 }, (_, i) => i % 3),
  [40],
);
/** 5 batches an epoch. */
const loader = (augment = {}): DataLoader =>
  new DataLoader(new ArrayDataset(images, labels), {
    batchSize: 8,
    shuffle: true,
    mean: 0.3,
    std: 0.3,
    augment,
  });
const sample = [...loader().batches()].map(({ inputs }) => inputs);
function tiny(): TinyCnn {
  const model = new TinyCnn();
  roughen(model, 3);
  return model;
}
const network = (): Graph => trace(tiny(), sample[0]);
const EPOCHS = 2;

interface Made {
  readonly run: Run;
  /** Of what comes out. */
  bytes(): Uint8Array;
}

function float(): Made {
  const model = tiny();
  const recipe = models.RECIPES.plain;
  const run = floatRun(model, loader({ shift: 1, flip: true }), { recipe, epochs: EPOCHS, lr: 0.02 });
  return { run, bytes: () => encodeModel(trace(model.eval(), sample[0])) };
}

function qat(options: QConfigOptions = {}): () => Made {
  return () => {
    const config = qatConfig({ weightBits: 4, activationBits: 4, ...options });
    const module = calibrate(prepare(network(), config), sample);
    const run = qatRun(module, loader(), { epochs: EPOCHS, lr: 0.003 });
    return { run, bytes: () => encodeModel(convert(module.eval())) };
  };
}

const TAUGHT = { epochs: EPOCHS, lr: 0.01 };

/** Channels and weights go, a teacher is asked. */
function pruned(): Made {
  const student = new GraphModule(cloneParams(pruneChannels(network(), { fraction: 0.5 })));
  const model = new Distillation({ student, teacher: new CachedTeacher(new GraphModule(network())) });
  const schedule = gradualSparsity({ final: 0.6, end: 7, every: 2 });
  const pruner = new Pruner(student, { schedule });
  const run = tuningRun(model, loader(), { ...TAUGHT, loss: model.loss, pruner });
  return { run, bytes: () => encodeModel(student.graph) };
}

function prunedQat(): Made {
  const graph = cloneParams(pruneChannels(network(), { fraction: 0.5 }));
  new Pruner(new GraphModule(graph)).prune(0.6);
  const module = calibrate(prepare(graph, qatConfig({ weightQuantizer: lsq() })), sample);
  const model = new Distillation({ student: module, teacher: new CachedTeacher(new GraphModule(network())) });
  const pruner = Pruner.keepingZeros(module);
  const run = qatRun(module, loader(), { ...TAUGHT, model, loss: model.loss, pruner });
  return { run, bytes: () => encodeModel(convert(module.eval())) };
}

const KINDS: readonly (readonly [string, () => Made])[] = [
  ['float', float],
  ['qat', qat()],
  ['qat with lsq and lsq+', qat({ weightQuantizer: lsq(), activationQuantizer: lsqPlus() })],
  ['qat with dorefa and pact', qat({ weightQuantizer: dorefa(), activationQuantizer: pact() })],
  ['pruning and distillation', pruned],
  ['pruning, distillation and qat', prunedQat],
];

const job = { config: {} };
const END = { epoch: EPOCHS, batch: 0 };

for (const [name, make] of KINDS)
  t.test(name, async (t) => {
    const whole = make();
    t.equal((await fitRun(whole.run, {})).stopped, 'finished');
    const last = encodeRun(whole.run, END, job);
    const result = whole.bytes();
    // in the first epoch, between two epochs, while batch norm is frozen, and with frozen ranges
    for (const step of [2, 5, 6, 9]) {
      const before = make();
      // a step looks once, the end of an epoch twice
      let left = step;
      const signal = {
        get aborted() {
          return left <= 0;
        },
      };
      const outcome = await fitRun(before.run, { signal, onStep: () => left-- });
      t.equal(outcome.stopped, 'aborted');
      t.same(outcome.position, { epoch: Math.floor(step / 5), batch: step % 5 });
      const saved = decodeRun(encodeRun(before.run, outcome.position, job));
      const after = make();
      saved.restore(after.run);
      await fitRun(after.run, { start: saved.position });
      t.ok(Buffer.from(encodeRun(after.run, END, job)).equals(last), `after step ${step}: the same state`);
      t.ok(Buffer.from(after.bytes()).equals(result), `after step ${step}: the same model`);
    }
  });

t.test('a state that does not fit is refused', async (t) => {
  const { run } = qat()();
  const saved = decodeRun(encodeRun(run, { epoch: 0, batch: 0 }, job));
  t.throws(() => saved.restore(float().run), FormatError);
  const half = new DataLoader(new ArrayDataset(images, labels).slice(0, 24), { batchSize: 8 });
  t.throws(
    () => saved.restore({ ...qat()().run, loader: half }),
    /of a run of 5 batches an epoch, this one has 3/,
  );
});

t.test('a run that diverges is back where its checkpoint stands, masks and all', async (t) => {
  const made = pruned();
  const path = join(t.testdir(), 'run.checkpoint');
  const io = { stdout() {}, stderr() {}, isTTY: false, signal: new AbortController().signal, endsAtOnce };
  let sick = false;
  const run = { ...made.run, before: (step: number) => void (sick = step >= 7) };
  const optimizer = run.optimizer;
  const step = optimizer.step.bind(optimizer);
  optimizer.step = () => {
    step();
    if (sick) for (const p of run.model.parameters()) p.data.fill(NaN);
  };
  const outcome = await savedFit(run, { job, files: new Checkpoints(path), saved: null }, io);
  t.equal(outcome.stopped, 'diverged');
  t.same(outcome.position, { epoch: 1, batch: 0 });
  const saved = decodeRun(new Uint8Array(readFileSync(path)));
  const again = pruned();
  saved.restore(again.run);
  t.same(again.run.pruner!.state(), run.pruner!.state());
  await fitRun(again.run, { start: saved.position });
  const whole = pruned();
  await fitRun(whole.run, {});
  t.ok(Buffer.from(again.bytes()).equals(whole.bytes()), 'without the illness the run ends well');
});

t.test('damaged checkpoints: the one before is used, and the result is the same', async (t) => {
  const whole = float();
  await fitRun(whole.run, {});
  const result = whole.bytes();
  const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 100);
  const flipped =
    (at: number) =>
    (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes);
      copy[Math.floor(at * copy.length)] ^= 4;
      return copy;
    };
  const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ['truncated', cut],
    ['empty', () => Buffer.alloc(0)],
    ['a bit of the head', flipped(0.001)],
    ['a bit of the document', flipped(0.02)],
    ['a bit of the weights', flipped(0.9)],
  ];
  const folder = t.testdir();
  const quiet = { stdout() {}, stderr() {}, isTTY: false, endsAtOnce };
  for (const [name, damage] of damages) {
    const path = join(folder, `${name}.checkpoint`);
    const first = { ...quiet, signal: abortedAtLook(10) };
    const stopped = await savedFit(float().run, { job, files: new Checkpoints(path), saved: null }, first);
    t.equal(stopped.stopped, 'aborted');
    t.ok(stopped.position.epoch > 0 && stopped.position.batch > 0);
    writeFileSync(path, damage(readFileSync(path)));
    const warned: string[] = [];
    const { files, ...saved } = readCheckpoint(path, decodeRun, (line) => warned.push(line));
    t.equal(warned.length, 1, name);
    t.match(warned[0], new RegExp(`${name}.checkpoint: .*; going on from .*\\.previous$`));
    t.same(saved.position, { epoch: stopped.position.epoch, batch: 0 }, 'the end of the last epoch');

    const previous = readFileSync(previousOf(path));
    const again = float();
    const signal = abortedAtLook(2);
    await savedFit(again.run, { job, files, saved }, { ...quiet, signal });
    t.ok(readFileSync(previousOf(path)).equals(previous), 'a good file is not replaced by the damaged one');
    const rest = float();
    const newest = readCheckpoint(path, decodeRun, () => t.fail('the newest is good again'));
    newest.restore(rest.run);
    await fitRun(rest.run, { start: newest.position });
    t.ok(Buffer.from(rest.bytes()).equals(result), name);
  }
});

t.test('a run that is killed goes on from a checkpoint that is a minute old at most', async (t) => {
  const whole = pruned();
  await fitRun(whole.run, {});
  const path = join(t.testdir(), 'run.checkpoint');
  let minutes = 0;
  t.intercept(performance, 'now', { value: () => 61_000 * minutes++ });
  const made = pruned();
  const run: Run = {
    ...made.run,
    before(step) {
      if (step === 8) throw new Error('killed');
    },
  };
  const io = { stdout() {}, stderr() {}, isTTY: false, signal: new AbortController().signal, endsAtOnce };
  await t.rejects(savedFit(run, { job, files: new Checkpoints(path), saved: null }, io), /killed/);
  const saved = readCheckpoint(path, decodeRun, () => t.fail('it is good'));
  t.same(saved.position, { epoch: 1, batch: 2 });
  const again = pruned();
  saved.restore(again.run);
  await fitRun(again.run, { start: saved.position });
  t.ok(Buffer.from(again.bytes()).equals(whole.bytes()));
});
