/** Masks are exact in float training, in quantization-aware training and in the integers; schedules; sizes. */
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { Tensor } from '../../src/autograd/index.js';
import { compressedSize, gradualSparsity, Pruner } from '../../src/compress/index.js';
import { NDArray } from '../../src/core/index.js';
import { BatchNorm, Linear, Module } from '../../src/nn/index.js';
import { crossEntropy, tidy } from '../../src/ops/index.js';
import { Adam } from '../../src/optim/index.js';
import { calibrate, compareCodes, convert, dorefa, lsq, prepare, qatConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, roughen, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];
const labels = new Tensor(new NDArray(Int32Array.of(0, 1, 2, 0), [4]));

function train(
  model: { forward(x: Tensor): Tensor; parameters(): Iterable<Tensor> },
  pruner: Pruner,
  steps: number,
): void {
  const optimizer = new Adam(model.parameters(), { lr: 5e-3 });
  for (let i = 0; i < steps; i++) {
    optimizer.zeroGrad();
    tidy(() => crossEntropy(model.forward(normal(SHAPE, 50 + i)), labels).backward());
    optimizer.step();
    pruner.step();
  }
}

class Two extends Module {
  readonly a = new Linear(4, 1);
  readonly b = new Linear(4, 1);
  constructor() {
    super();
    this.a.weight.data.set([0.1, -0.2, 0.3, -0.4]);
    this.b.weight.data.set([10, -0.05, 30, -0.25]);
  }
  override forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}

t.test('the smallest weights go: of all layers together, or of each', (t) => {
  const all = new Two();
  const pruner = new Pruner(all);
  pruner.prune(0.5);
  t.same([...all.a.weight.data], [0, 0, Math.fround(0.3), Math.fround(-0.4)]);
  t.same([...all.b.weight.data], [10, 0, 30, 0]);
  t.equal(pruner.sparsity, 0.5);
  pruner.prune(0.25);
  t.equal(pruner.sparsity, 0.5, 'what is pruned stays so');
  const each = new Two();
  new Pruner(each, { scope: 'layer' }).prune(0.75);
  t.same([...each.a.weight.data], [0, 0, 0, Math.fround(-0.4)]);
  t.same([...each.b.weight.data], [0, 0, 30, 0]);
  const one = new Two();
  new Pruner(one, { include: (name) => name === 'b.weight' }).prune(0.99);
  t.notOk(one.a.weight.data.includes(0));
  t.equal([...one.b.weight.data].filter((w) => w === 0).length, 3);
  t.end();
});

t.test('bad arguments are named', (t) => {
  const pruner = new Pruner(new Two());
  t.throws(() => pruner.prune(1), { code: 'argument', message: /sparsity: 1/ });
  t.throws(() => new Pruner(new BatchNorm(2)), { code: 'argument', message: /include/ });
  t.throws(() => new Pruner(new Two(), { scope: 'row' as 'layer' }), { code: 'argument', message: /scope/ });
  t.throws(() => gradualSparsity({ final: 1, end: 5 }), { code: 'argument', message: /final: 1/ });
  for (const [options, message] of [
    [{ final: 0.5, begin: 5, end: 5 }, /begin 5/],
    [{ final: 0.5, begin: 0.5, end: 5 }, /begin 0.5.*whole steps/],
    [{ final: 0.5, end: 5.5 }, /end 5.5/],
    [{ final: 0.5, end: 5, every: 1.5 }, /every 1.5/],
    [{ initial: 0.8, final: 0.5, end: 5 }, /initial: 0.8 is above final, 0.5/],
  ] as const)
    t.throws(() => gradualSparsity(options), { code: 'argument', message });
  t.end();
});

t.test('the gradual schedule is the cubic of the paper', (t) => {
  const at = gradualSparsity({ initial: 0.1, final: 0.9, begin: 10, end: 50, every: 7 });
  t.same([0, 9, 11, 16, 51, 1000].map(at), [null, null, null, null, null, null]);
  t.equal(at(10), 0.9 + (0.1 - 0.9));
  t.equal(at(24), 0.9 - 0.8 * (1 - 14 / 40) ** 3);
  t.equal(at(50), 0.9, 'the end is reached, whatever `every` is');
  t.end();
});

t.test('sparsity comes out as it went in: float training, QAT, integers, bit for bit', (t) => {
  const model = new TinyCnn();
  roughen(model);
  const pruner = new Pruner(model, { schedule: gradualSparsity({ final: 0.6, end: 8, every: 2 }) });
  train(model, pruner, 12);
  const total = model.conv.weight.size + model.fc.weight.size;
  t.equal(pruner.sparsity, Math.floor(0.6 * total) / total);
  const masks = pruner.masks();
  for (const options of [{}, { weightQuantizer: lsq() }, { weightQuantizer: dorefa() }]) {
    const module = prepare(
      trace(model, normal(SHAPE)),
      qatConfig({ weightBits: 4, activationBits: 4, ...options }),
    );
    calibrate(module, batches(1, SHAPE));
    module.phase = 'train';
    const kept = Pruner.keepingZeros(module);
    t.same(kept.masks(), masks, 'the masks of the float network');
    train(module.train(), kept, 6);
    module.eval();
    const graph = convert(module);
    for (const [name, mask] of masks) {
      const codes = graph.params.get(name)!.array.data;
      t.ok(
        mask.every((m, i) => m === 1 || (codes[i] === 0 && Object.is(module.tensor(name).data[i], 0))),
        `${name}: pruned weights have code 0`,
      );
      t.ok(codes.some((q) => q !== 0));
    }
    t.equal(compareCodes(module, graph, batches(1, SHAPE)).codesDifferent, 0);
  }
  t.end();
});

t.test('a pruner goes on from its state', (t) => {
  const options = { schedule: gradualSparsity({ final: 0.5, end: 6 }) };
  const [a, b] = [new TinyCnn(), new TinyCnn()];
  const first = new Pruner(a, options);
  for (let i = 0; i < 4; i++) first.step();
  const second = new Pruner(b, options);
  second.load(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>);
  for (const pruner of [first, second]) for (let i = 0; i < 4; i++) pruner.step();
  t.same(second.masks(), first.masks());
  t.same(b.stateDict(), a.stateDict());
  const state = first.state();
  for (const [broken, message] of [
    [{ step: 0, pruned: { 'conv.weight': [9999] } }, /conv\.weight/],
    [{ ...state, step: -1 }, /step -1/],
    [{ ...state, step: 1.5 }, /step 1.5/],
    [{ ...state, pruned: null }, /pruned no record/],
    [{}, /step undefined/],
    [null, /step undefined/],
  ] as const) {
    t.throws(() => second.load(broken as never), { code: 'format', message });
    t.same(second.state(), state, 'nothing has changed');
  }
  t.end();
});

t.test('sizes: as they lie and after gzip', async (t) => {
  const sparse = new Uint8Array(10_000);
  for (let i = 0; i < sparse.length; i += 10) sparse[i] = (i * 7919) % 251;
  const { dense, gzip } = await compressedSize(sparse);
  t.equal(dense, 10_000);
  t.ok(gzip < 5000 && gzip > 100, `${gzip}`);
  let compressed = new Uint8Array(0);
  const own = await compressedSize(
    sparse,
    (bytes) => (compressed = new Uint8Array(gzipSync(bytes, { level: 9 }))),
  );
  t.equal(own.gzip, compressed.length);
  t.same(new Uint8Array(gunzipSync(compressed)), sparse);
});
