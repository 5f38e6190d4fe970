/** Every number of the report, on networks small enough to compute them by hand. */
import t, { type Test } from 'tap';
import {
  layerReport,
  tensorHistogram,
  type LayerReport,
  type ValueReport,
} from '../../src/analysis/index.js';
import { Tensor } from '../../src/autograd/index.js';
import { NDArray } from '../../src/core/index.js';
import type { LayerNode } from '../../src/graph/index.js';
import { Linear, Module } from '../../src/nn/index.js';
import { calibrate, convert, prepare, ptqConfig, type QConfigOptions } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, normal, TinyCnn } from '../support/models.js';

const rows = (values: readonly (readonly number[])[]): Tensor =>
  new Tensor(new NDArray(Float32Array.from(values.flat()), [values.length, values[0].length]));

/** One linear layer with these weights and no bias. */
class Planted extends Module {
  readonly fc: Linear;

  constructor(weights: readonly (readonly number[])[]) {
    super();
    this.fc = new Linear(weights[0].length, weights.length, { bias: false });
    this.fc.weight.data.set(weights.flat());
  }

  override forward(x: Tensor): Tensor {
    return this.fc.forward(x);
  }
}

const planted = (weights: readonly (readonly number[])[], x: Tensor, options: QConfigOptions) =>
  calibrate(prepare(trace(new Planted(weights), x), ptqConfig(options)), [x]);

const value = ({ values }: LayerReport, id: string): ValueReport => values.find((v) => v.id === id)!;
const db = (signal: readonly number[], noise: readonly number[]): number => {
  const energy = (list: readonly number[]): number => list.reduce((sum, v) => sum + v * v, 0);
  return 10 * Math.log10(energy(signal) / energy(noise));
};
const close = (t: Test, got: number, want: number, what: string): void => {
  t.ok(Math.abs(got - want) < 1e-4 * Math.abs(want), `${what}: ${got}, expected ${want}`);
};

t.test('clipping, saturation, codes, entropy and SQNR of a grid from 0 to 2.55 in steps of 0.01', (t) => {
  const module = planted([[1, 1]], rows([[0, 2.55]]), {});
  const x = [2.55, 1.004, 5.1, 0];
  const { values, sqnr, added } = value(layerReport(module, [rows([x.slice(0, 2), x.slice(2)])]), 'input');
  const grid = values.grid!;
  t.same(grid.clipped, { low: 0, high: 1 / 4 }, '5.1 is beyond');
  t.same(grid.saturated, { low: 0, high: 2 / 4 }, '2.55 and 5.1; the code of 0 does not count');
  t.equal(grid.codesUsed, 3);
  t.equal(grid.codesAvailable, 256);
  t.equal(grid.entropy, 1.5, 'half of the codes are one, a quarter each of the others');
  close(t, grid.sqnr, db(x, [0.004, 2.55]), 'of rounding and clipping');
  t.equal(sqnr, grid.sqnr, 'nothing comes before an input');
  close(t, added!, 10 ** (-grid.sqnr / 10), 'all of its noise');
  close(t, grid.max, 2.55, 'highest number of the grid');
  t.match(grid, { bits: 8, granularity: 'per-tensor', min: 0 });
  t.match(values, { elements: 4, min: 0, max: Math.fround(5.1) });
  close(t, values.percentiles['50'], (1.004 + 2.55) / 2, 'median');
  t.equal(
    values.histogram.counts.reduce((a, b) => a + b),
    4,
  );
  t.end();
});

t.test('channels that are dead, lost, and far apart', (t) => {
  const x = rows([
    [1, 0.5],
    [0.25, 1],
  ]);
  const weights = [
    [1, -1],
    [0, 0],
    [0.001, 0.0005],
  ];
  const report = layerReport(planted(weights, x, { weightBits: 4, granularity: 'per-tensor' }), [x]);
  const { weight, values } = value(report, 'fc');
  t.same(weight!.channels, { count: 3, dead: [1], lost: [2], spread: weight!.channels.spread });
  close(t, weight!.channels.spread, 1000, 'spread');
  t.same([values.channels.dead, values.channels.lost], [[1], [2]]);
  t.same(value(report, 'input').values.channels.dead, [], 'inputs live');
  const module = planted(weights, x, { weightBits: 4 });
  const perChannel = value(layerReport(module, [x]), 'fc').weight!;
  const layer = module.resolveLayer(module.graph.nodes[0] as LayerNode);
  const alone = tensorHistogram(layer.weight.value as NDArray<'float32'>, layer.weightQParams);
  t.same(alone, perChannel.histogram, 'the histogram of a tensor by itself');
  t.same(perChannel.channels.lost, [], 'a scale of its own keeps a channel');
  t.equal(perChannel.grid!.granularity, 'per-channel');
  t.match(perChannel.histogram, {
    unit: 'steps',
    grid: { scale: 1, zeroPoint: 0, quantMin: -7, quantMax: 7 },
  });
  close(t, perChannel.histogram.edges.at(-1)!, 7, 'largest weight of a channel, in steps');
  const one = value(layerReport(planted(weights, x, {}), [rows([[1, 1]])]), 'input');
  t.same(one.values.channels.dead, [], 'one number says nothing');
  t.end();
});

t.test('the bits that a tensor needs are those of the grid that it was made on', (t) => {
  const x = rows([Array.from({ length: 8 }, (_, i) => i / 7)]);
  const weights = [
    [-3, -2, -1, 0, 1, 2, 3, 0],
    [0.3, 0.2, 0.1, 0, -0.1, -0.2, -0.3, 0],
  ];
  const module = planted(weights, x, {});
  const bits = (threshold: number) => {
    const report = layerReport(module, [x], { threshold });
    return [value(report, 'input').values.bitsNeeded, value(report, 'fc').weight!.bitsNeeded];
  };
  t.same(bits(60), [3, 3], '8 numbers, and 7 around 0 in each channel');
  t.same(bits(1), [2, 2]);
  const noisy = rows([Array.from(normal([4096]).data)]);
  const wide = planted([Array.from({ length: 4096 }, () => 1)], noisy, {});
  const needs = value(layerReport(wide, [noisy], { threshold: 200 }), 'input').values.bitsNeeded;
  t.equal(needs, null, 'more than any width that is tried');
  const [few, more] = [24, 36].map(
    (threshold) => value(layerReport(wide, [noisy], { threshold }), 'input').values.bitsNeeded!,
  );
  t.equal(more - few, 2, '6 dB a bit');
  t.end();
});

t.test('batches stream: their division changes nothing', (t) => {
  const graph = trace(new TinyCnn(), normal([1, 8, 8, 2]));
  const module = calibrate(prepare(graph, ptqConfig({ weightBits: 4 })), batches(2, [4, 8, 8, 2]));
  const x = normal([8, 8, 8, 2], 5);
  const parts = [0, 1].map(
    (i) => new Tensor(new NDArray(x.data.slice(i * 512, (i + 1) * 512) as Float32Array, [4, 8, 8, 2])),
  );
  // without what is summed: the last layer in another order, and SQNRs
  const strip = ({ values }: LayerReport) =>
    values.slice(0, -1).map(({ values: { grid, ...rest }, id, moves }) => ({
      id,
      moves,
      ...rest,
      grid: { ...grid, sqnr: 0 },
    }));
  const [whole, streamed] = [layerReport(module, [x]), layerReport(module, parts)];
  t.equal(whole.images, 8);
  t.same(strip(streamed), strip(whole));
  whole.values.forEach(({ sqnr, id }, i) => close(t, streamed.values[i].sqnr!, sqnr!, id));
  t.same(
    whole.values.filter(({ moves }) => moves).map(({ op }) => op),
    ['maxPool2d', 'reshape'],
  );
  t.equal(module.phase, 'frozen');
  t.equal(module.training, false);
  t.doesNotThrow(() => JSON.parse(JSON.stringify(whole)));

  const integers = layerReport(convert(module), [x], { float: graph });
  t.same(integers, whole, 'the integer graph against the float one: the same report');
  t.end();
});

t.test('weights alone: values stay in float and lose what the weights lose', (t) => {
  const graph = trace(new TinyCnn(), normal([1, 8, 8, 2]));
  const module = calibrate(
    prepare(graph, ptqConfig({ weightBits: 4, weightOnly: true })),
    batches(1, [4, 8, 8, 2]),
  );
  const report = layerReport(module, batches(1, [4, 8, 8, 2]));
  t.ok(report.values.every(({ values }) => values.grid === null));
  const [input, conv] = report.values;
  t.equal(input.sqnr, Infinity);
  t.ok(conv.sqnr! > 15 && conv.sqnr! < 30, `${conv.sqnr} dB of 4 bits`);
  t.equal(conv.weight!.grid!.bits, 4);
  t.end();
});

t.test('what cannot be measured', (t) => {
  const x = rows([[1, 2]]);
  const module = planted([[1, 1]], x, {});
  const integers = convert(module);
  t.throws(() => layerReport(integers, [x]), { code: 'argument', message: /^float: .*give it/ });
  t.throws(() => layerReport(module, []), { code: 'argument', message: /^batches: there are none/ });
  t.throws(() => layerReport(module, [x], { bins: 0 }), { code: 'argument', message: /^bins: 0/ });
  t.throws(() => layerReport(trace(new Planted([[1, 1]]), x), [x], { float: module }), {
    code: 'quantization',
    message: /nothing in this network is quantized/,
  });
  t.throws(() => layerReport(module, [rows([[NaN, 1]])]), {
    code: 'quantization',
    message: /input, batch 1: element 0/,
  });
  t.throws(() => layerReport(prepare(module.graph, ptqConfig()), [x]), { code: 'quantization' });
  t.end();
});
