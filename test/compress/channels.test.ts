/** Channel pruning: the smaller network computes what the masked one does, and its weights are truly smaller. */
import t, { type Test } from 'tap';
import { noGrad, type Tensor } from '../../src/autograd/index.js';
import { maskChannels, pruneChannels, type ChannelOptions } from '../../src/compress/index.js';
import { Random } from '../../src/core/index.js';
import { fuseLayers, macsOf, type Graph } from '../../src/graph/index.js';
import { DepthwiseCnn, PlainCnn, ResidualCnn } from '../../src/models/index.js';
import { BatchNorm, Conv2d, Linear, Module } from '../../src/nn/index.js';
import { add, cat, flatten, hardswish, mean, mul, relu, sigmoid } from '../../src/ops/index.js';
import { calibrate, compareCodes, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { EveryOp, normal, roughen, TinyCnn } from '../support/models.js';

function outputOf(graph: Graph, x: Tensor): number[] {
  const module = new GraphModule(graph).eval();
  const values = noGrad(() => module.runAll(new Map([[graph.inputs[0], x]])));
  return [...values.get(graph.outputs[0])!.data];
}

const shapeOf = (graph: Graph, id: string): number[] => [...graph.params.get(id)!.array.shape];
const sizeOfAll = (graph: Graph): number => [...graph.params.values()].reduce((n, p) => n + p.array.size, 0);

/** Returns the pruned graph. */
function expectEqual(t: Test, graph: Graph, x: Tensor, options: ChannelOptions, about: string): Graph {
  const pruned = pruneChannels(graph, options);
  const masked = outputOf(maskChannels(graph, options), x);
  const worst = Math.max(...outputOf(pruned, x).map((v, i) => Math.abs(v - masked[i])));
  t.ok(worst <= 1e-5 * Math.max(1, ...masked.map(Math.abs)), `${about}: off by ${worst}`);
  t.ok(sizeOfAll(pruned) < sizeOfAll(graph), `${about}: ${sizeOfAll(graph)} -> ${sizeOfAll(pruned)} numbers`);
  return pruned;
}

/** Squeeze and excitation, concatenation, convolutions of two groups, a flattened head. */
class Branches extends Module {
  readonly a = new Conv2d(2, 6, 3, { padding: 1, random: new Random(1) });
  readonly b = new Conv2d(2, 4, 1, { random: new Random(2) });
  readonly squeeze = new Conv2d(6, 6, 1, { random: new Random(3) });
  readonly c = new Conv2d(10, 8, 3, { padding: 1, bias: false, random: new Random(4) });
  readonly bn = new BatchNorm(8);
  readonly grouped = new Conv2d(8, 8, 1, { groups: 2, random: new Random(5) });
  readonly fc = new Linear(8 * 16, 5, { random: new Random(6) });
  override forward(x: Tensor): Tensor {
    const a = relu(this.a.forward(x));
    const gated = mul(a, this.squeeze.forward(mean(a, { axes: [1, 2], keepdim: true })));
    const joined = cat([gated, hardswish(this.b.forward(x))], { axis: 3 });
    const c = this.bn.forward(this.c.forward(joined));
    return this.fc.forward(flatten(add(c, sigmoid(this.grouped.forward(c)))));
  }
}

t.test('outputs are those of the masked network, also with batch norm fused', (t) => {
  const image = normal([2, 28, 28, 1], 3);
  const cases: [Module & { forward(x: Tensor): Tensor }, Tensor][] = [
    [new PlainCnn(), image],
    [new ResidualCnn(), image],
    [new DepthwiseCnn(), image],
    [new TinyCnn(), normal([2, 8, 8, 2])],
    [new EveryOp(), normal([2, 8, 8, 2])],
    [new Branches(), normal([2, 4, 4, 2])],
  ];
  for (const [model, x] of cases) {
    roughen(model);
    const graph = trace(model, x);
    const name = model.constructor.name;
    // every channel of this one is read by an op of groups or by a sigmoid that is added
    if (model instanceof EveryOp) {
      t.equal(sizeOfAll(pruneChannels(graph, { fraction: 0.5 })), sizeOfAll(graph), name);
      continue;
    }
    for (const fraction of [0.3, 0.5, 0.9])
      for (const [kind, g] of [
        ['traced', graph],
        ['fused', fuseLayers(graph)],
      ] as const)
        expectEqual(t, g, x, { fraction }, `${name}, ${kind}, ${fraction}`);
  }
  t.end();
});

t.test('the least important channels go, and with them what reads and follows them', (t) => {
  const model = new TinyCnn();
  roughen(model);
  const filters = model.conv.weight.data;
  const size = filters.length / 4;
  [1, 0.01, 2, 0.02].forEach((scale, c) => {
    for (let i = 0; i < size; i++) filters[c * size + i] = scale;
  });
  const graph = trace(model, normal([2, 8, 8, 2]));
  const pruned = pruneChannels(graph, { fraction: 0.5 });
  t.same(shapeOf(pruned, 'conv.weight'), [2, 3, 3, 2]);
  t.same(
    [...pruned.params.get('conv.weight')!.array.data],
    [...filters.slice(0, size), ...filters.slice(2 * size, 3 * size)],
  );
  t.same(
    [...pruned.params.get('bn.runningMean')!.array.data],
    [0, 2].map((c) => model.bn.runningMean.value.data[c]),
  );
  t.same(shapeOf(pruned, 'fc.weight'), [3, 32]);
  const fc = [...model.fc.weight.data].filter((_, i) => i % 4 === 0 || i % 4 === 2);
  t.same([...pruned.params.get('fc.weight')!.array.data], fc);
  t.same(model.conv.weight.shape, [4, 3, 3, 2], 'the model is as it was');
  model.bn.weight.data.set([0.1, -5, 0.2, 4]);
  const slim = pruneChannels(trace(model, normal([2, 8, 8, 2])), { fraction: 0.5, criterion: 'batchNorm' });
  t.same([...slim.params.get('bn.weight')!.array.data], [-5, 4], 'a negative gamma counts by its size');
  t.end();
});

t.test('half of the channels of a residual and of a depthwise network: all layers shrink together', (t) => {
  const x = normal([2, 28, 28, 1]);
  const residual = trace(new ResidualCnn(), x);
  const half = pruneChannels(residual, { fraction: 0.5 });
  t.same(shapeOf(half, 'stem.weight'), [4, 3, 3, 1]);
  t.same(shapeOf(half, 'block1.projection.weight'), [8, 1, 1, 4]);
  t.same(shapeOf(half, 'block2.conv2.weight'), [8, 3, 3, 8]);
  t.same(shapeOf(half, 'classifier.weight'), [10, 72]);
  const depthwise = trace(new DepthwiseCnn(), x);
  const thin = pruneChannels(depthwise, { fraction: 0.5 });
  const groups = (graph: Graph): number[] =>
    graph.nodes.flatMap((n) => (n.op === 'conv2d' && n.groups > 1 ? [n.groups] : []));
  t.same(
    groups(thin),
    groups(depthwise).map((n) => n / 2),
  );
  for (const [before, after] of [
    [residual, half],
    [depthwise, thin],
  ]) {
    const work = (g: Graph): number => g.nodes.reduce((n, node) => n + macsOf(g, node), 0);
    t.ok(work(after) < 0.4 * work(before), `${work(before)} -> ${work(after)} multiply-adds`);
    const module = calibrate(prepare(after, ptqConfig()), [x]);
    t.equal(compareCodes(module, convert(module), [x]).codesDifferent, 0);
  }
  t.end();
});

t.test('shares by layer, multiples, and bad options', (t) => {
  const graph = trace(new ResidualCnn(), normal([2, 28, 28, 1]));
  const only = pruneChannels(graph, { fraction: (id) => (id === 'block1.conv1' ? 0.5 : 0) });
  t.same(shapeOf(only, 'block1.conv1.weight'), [8, 3, 3, 8]);
  t.same(shapeOf(only, 'block1.conv2.weight'), [16, 3, 3, 8]);
  const fours = pruneChannels(graph, { fraction: 0.4, multipleOf: 4 });
  t.same(shapeOf(fours, 'block1.conv1.weight'), [12, 3, 3, 8]);
  t.same(shapeOf(pruneChannels(graph, { fraction: 0.99 }), 'stem.weight'), [1, 3, 3, 1], 'one is left');
  for (const [options, message] of [
    [{ fraction: 1 }, /fraction: 1 /],
    [{}, /fraction: undefined \(stem\) must be a number/],
    [{ fraction: '0.5' }, /fraction: "0.5"/],
    [{ fraction: (id: string) => (id === 'block1.conv1' ? NaN : 0) }, /fraction: NaN \(block1.conv1\)/],
    [{ fraction: () => '0.5' }, /fraction: "0.5"/],
    [{ fraction: 0.5, multipleOf: 0 }, /multipleOf: 0/],
    [{ fraction: 0.5, criterion: 'l3' as 'l1' }, /criterion: l3/],
  ] as const)
    t.throws(() => pruneChannels(graph, options as ChannelOptions), { code: 'argument', message });
  const bare = trace(new Branches(), normal([2, 4, 4, 2]));
  t.throws(() => pruneChannels(bare, { fraction: 0.5, criterion: 'batchNorm' }), {
    code: 'graph',
    message: /needs a batch norm/,
  });
  const integers = convert(calibrate(prepare(graph, ptqConfig()), [normal([2, 28, 28, 1])]));
  for (const shrink of [pruneChannels, maskChannels])
    t.throws(() => shrink(integers, { fraction: 0.5 }), {
      code: 'quantization',
      message: /graph: .*integer codes; give the float network/,
    });
  t.end();
});
