/** Bias correction and batch-norm re-estimation: the moments that they promise, and codes that still agree. */
import t from 'tap';
import { isLayer } from '../../../src/graph/index.js';
import { BatchNorm, Conv2d, Linear, ReLU, Sequential } from '../../../src/nn/index.js';
import { addBiases, correctBias, equalize, reestimateBatchNorm } from '../../../src/quant/methods/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  dorefa,
  lsq,
  minMax,
  prepare,
  ptqConfig,
  qatConfig,
  type QuantizedModule,
} from '../../../src/quant/index.js';
import { GraphModule, trace } from '../../../src/trace/index.js';
import type { Tensor } from '../../../src/autograd/index.js';
import type { Graph, Param } from '../../../src/graph/index.js';
import { NDArray, Random } from '../../../src/core/index.js';
import { ChannelMoments } from '../../../src/quant/methods/channelMoments.js';
import { batches, normal, roughen } from '../../support/models.js';
import { differences, mobile, quality, SHAPE } from './nets.js';

/** Largest, over channels, of |mean error| of a value, in units of the deviation that the value has. */
function meanError(module: QuantizedModule, graph: Graph, id: string, data: readonly Tensor[]): number {
  const float = new GraphModule(graph).eval();
  const pairs = data.map((x) =>
    [float, module].map((net) => net.runAll(new Map([['input', x]])).get(id)!.value),
  );
  const channels = pairs[0][0].shape.at(-1)!;
  const errors = new Float64Array(channels);
  let [count, square] = [0, 0];
  for (const [want, have] of pairs)
    want.data.forEach((v, i) => {
      errors[i % channels] += have.data[i] - v;
      square += v * v;
      count++;
    });
  const worst = Math.max(...errors.map((e) => Math.abs(e) / (count / channels)));
  return worst / Math.sqrt(square / count);
}

t.test('bias correction takes the mean error out of every channel', (t) => {
  for (const granularity of ['per-tensor', 'per-channel'] as const) {
    const graph = mobile();
    const data = batches(6, SHAPE, 40);
    const config = ptqConfig({ weightBits: 4, granularity });
    const module = calibrate(prepare(graph, config), data);
    const before = meanError(module, graph, 'fc', data);
    const sqnr = quality(module, graph);
    const weights = module.stateDict().get('stem.weight')!.data;
    t.equal(correctBias(module, data), module);
    t.equal(module.phase, 'frozen');
    const after = meanError(module, graph, 'fc', data);
    t.comment(
      `${granularity}: mean error ${before.toFixed(4)} -> ${after.toFixed(4)}; ` +
        `SQNR of new data ${sqnr.toFixed(1)} -> ${quality(module, graph).toFixed(1)} dB`,
    );
    t.ok(after < 0.004, `what is left is the rounding of outputs: ${after}`);
    t.ok(after < before / 5, `${before} before`);
    t.strictSame(module.stateDict().get('stem.weight')!.data, weights, 'weights stay');
    t.equal(differences(module), 0);
  }
  t.end();
});

t.test('with batch norm beta is corrected, without a bias there is an error, and addBiases helps', (t) => {
  const random = new Random(3);
  const net = new Sequential(
    new Linear(4, 6, { bias: false, random }),
    new Linear(6, 3, { bias: false, random }),
  );
  const data = [normal([64, 4], 4)];
  const graph = trace(net, data[0]);
  const config = ptqConfig({ weightBits: 3 });
  t.throws(() => correctBias(calibrate(prepare(graph, config), data), data), {
    code: 'quantization',
    message: /has no bias.*addBiases/,
  });
  const biased = addBiases(graph);
  t.ok(biased.nodes.filter(isLayer).every(({ bias }) => bias !== null));
  const module = correctBias(calibrate(prepare(biased, config), data), data);
  t.ok(module.parameters().some(({ shape, data }) => shape.length === 1 && data.some((b) => b !== 0)));
  t.equal(differencesOf(module, data), 0);

  const bn = calibrate(prepare(mobile(), config), batches(2, SHAPE));
  const state = bn.stateDict();
  correctBias(bn, batches(2, SHAPE));
  t.notSame(bn.stateDict().get('bn1.bias')!.data, state.get('bn1.bias')!.data);
  t.end();
});

function differencesOf(module: QuantizedModule, data: readonly Tensor[]): number {
  return compareCodes(module, convert(module), data).codesDifferent;
}

const codesOf = ({ array }: Param): number[] => Array.from(array.data);

/** Largest deviation, over channels, of mean and standard deviation from beta and |gamma|. */
function offStatistics(x: readonly Tensor[], beta: Tensor, gamma: Tensor): number {
  const moments = new ChannelMoments();
  for (const { value } of x) moments.add(value);
  const variance = moments.variance();
  return Math.max(
    ...Array.from(moments.mean, (m, c) =>
      Math.max(Math.abs(m - beta.data[c]), Math.abs(Math.sqrt(variance[c]) - Math.abs(gamma.data[c]))),
    ),
  );
}

t.test('re-estimated batch norm gives quantized channels the mean beta and the deviation gamma', (t) => {
  const random = new Random(5);
  const last = new BatchNorm(4);
  const net = new Sequential(
    new Conv2d(2, 6, 3, { bias: false, random }),
    new BatchNorm(6),
    new ReLU(),
    new Conv2d(6, 4, 3, { random }),
    last,
  );
  roughen(net, 5);
  const data = batches(8, SHAPE, 60);
  net.train();
  for (let i = 0; i < 10; i++) for (const x of data) net.forward(x); // running statistics that are true in float
  net.eval();
  const graph = trace(net, data[0]);
  // a tanh of weights times a factor is not that factor times a tanh: codes and with them the statistics move
  for (const [granularity, weightBits, weights, codesStay, share] of [
    ['per-tensor', 4, {}, false, 1 / 3],
    ['per-channel', 2, {}, true, 1 / 3],
    ['per-channel', 4, { weightObserver: minMax() }, true, 1 / 3],
    ['per-channel', 2, { weightQuantizer: lsq() }, true, 1 / 3],
    ['per-channel', 4, { weightQuantizer: dorefa() }, false, 2 / 3],
  ] as const) {
    // prettier-ignore
    const module = calibrate(prepare(graph, qatConfig({ weightBits, granularity, ...weights })), data);
    const codes = (): number[][] =>
      [...convert(module).params.values()].filter(({ array }) => array.shape.length > 1).map(codesOf);
    const codesBefore = codes();
    const run = (): Tensor[] => data.map((x) => module.forward(x));
    const before = offStatistics(run(), last.bias, last.weight);
    t.equal(reestimateBatchNorm(module, data), module);
    const after = offStatistics(run(), last.bias, last.weight);
    t.comment(`${granularity}: off by ${before.toFixed(3)} -> ${after.toFixed(3)}`);
    t.ok(after < share * before, `${before} -> ${after}`);
    t.equal(module.phase, 'frozen');
    t.equal(differencesOf(module, data.slice(0, 2)), 0);
    if (codesStay) t.same(codes(), codesBefore, 'codes stay');
  }
  t.throws(() => reestimateBatchNorm(calibrate(prepare(equalize(graph), ptqConfig()), data), data), {
    code: 'quantization',
    message: /no layer has batch norm/,
  });
  t.end();
});

t.test('a channel that rounding leaves without weights keeps its variance', (t) => {
  const random = new Random(5);
  const conv = new Conv2d(2, 6, 3, { bias: false, random });
  const bn = new BatchNorm(6);
  const net = new Sequential(conv, bn, new ReLU(), new Conv2d(6, 4, 3, { random }));
  roughen(net, 5);
  bn.weight.data.fill(1);
  conv.weight.data.forEach((w, i) => (conv.weight.data[i] = i < conv.weight.size / 6 ? w / 1000 : w));
  const data = batches(8, SHAPE, 60);
  const graph = trace(net.eval(), data[0]);
  const config = ptqConfig({ weightBits: 4, granularity: 'per-tensor' });
  const module = calibrate(prepare(graph, config), data);
  const { batchNorm, weight } = module.graph.nodes.find(isLayer)!;
  const scale = (): number => module.quantizer(weight)!.qparams().scale[0];
  const before = scale();
  const [kept, ...old] = module.tensor(batchNorm!.variance).data;
  reestimateBatchNorm(module, data);
  const [dead, ...others] = module.tensor(batchNorm!.variance).data;
  t.equal(dead, kept);
  t.ok(others.every((v, c) => v !== old[c]));
  t.ok(scale() < 10 * before, `${before} -> ${scale()}`);
  t.equal(differencesOf(module, data.slice(0, 2)), 0);
  t.end();
});

t.test('moments of batches are those of all rows', (t) => {
  const all = normal([50, 3], 8);
  const [parts, whole] = [new ChannelMoments(), new ChannelMoments()];
  whole.add(all.value);
  for (const [from, to] of [
    [0, 7],
    [7, 8],
    [8, 50],
  ])
    // prettier-ignore
    parts.add(new NDArray(all.value.data.slice(3 * from, 3 * to) as Float32Array, [to - from, 3]));
  whole.mean.forEach((m, c) => {
    let square = 0;
    for (let i = c; i < 150; i += 3) square += (all.data[i] - m) ** 2;
    t.ok(Math.abs(parts.mean[c] - m) < 1e-12);
    t.ok(Math.abs(parts.variance()[c] - square / 49) < 1e-12);
  });
  t.end();
});

t.test('what cannot be visited is refused', (t) => {
  const graph = mobile();
  const fresh = prepare(graph, ptqConfig());
  t.throws(() => correctBias(fresh, batches(1, SHAPE)), {
    code: 'quantization',
    message: /nothing was observed/,
  });
  const module = calibrate(prepare(graph, ptqConfig()), batches(1, SHAPE));
  t.throws(() => correctBias(module, []), { code: 'quantization', message: /batches/ });

  const shared = new Linear(3, 3, { random: new Random(1) });
  const twice = trace(new Sequential(shared, new ReLU(), shared), normal([2, 3]));
  const both = calibrate(prepare(twice, ptqConfig()), [normal([2, 3])]);
  t.throws(() => correctBias(both, [normal([2, 3])]), {
    code: 'quantization',
    message: /share this parameter/,
  });
  t.end();
});
