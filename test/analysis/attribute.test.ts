/** Attribution finds failures that were planted, and its parts are what other measurements give. */
import t from 'tap';
import type { Tensor } from '../../src/autograd/index.js';
import {
  attribute,
  attributionText,
  sensitivity,
  type Attribution,
  type LayerAttribution,
} from '../../src/analysis/index.js';
import { Random } from '../../src/core/index.js';
import { foldBatchNorm, fuseLayers, type Graph } from '../../src/graph/index.js';
import { Linear, Module } from '../../src/nn/index.js';
import { relu } from '../../src/ops/index.js';
import {
  calibrate,
  lsq,
  lsqPlus,
  prepare,
  ptqConfig,
  qatConfig,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal, roughen } from '../support/models.js';
import { mobile, quality, rescaled, SHAPE } from '../quant/methods/nets.js';

const DATA = batches(2, SHAPE, 40);
const SPREAD: [string, string][] = [
  ['stem', 'depthwise'],
  ['depthwise', 'pointwise'],
  ['pointwise', 'fc'],
];
const QUICK = { adaround: { iterations: 20 } };
const layer = ({ layers }: Attribution, id: string): LayerAttribution => layers.find((l) => l.id === id)!;
const quantized = (graph: Graph, options: object = {}): QuantizedModule =>
  calibrate(prepare(graph, ptqConfig(options)), DATA);

t.test('sources are those of the sensitivity of one tensor, and add up to the error', (t) => {
  const graph = mobile();
  for (const bits of [4, 8]) {
    const report = attribute(quantized(graph, { weightBits: bits, activationBits: bits }), DATA, {
      network: false,
    });
    t.same(
      report.layers.map(({ id }) => id),
      ['input', 'stem', 'depthwise', 'pointwise', 'leakyRelu', 'fc'],
      'what only moves codes makes no error',
    );
    const alone = sensitivity(graph, DATA, { widths: [bits] });
    for (const [kind, rounding, clipping] of [
      ['weights', 'weight rounding', 'weight clipping'],
      ['activations', 'output rounding', 'output clipping'],
    ] as const) {
      const { sources } = layer(report, 'fc');
      const want = alone.find((s) => s.id === 'fc' && s.kind === kind)!.loss;
      const got = sources[rounding]! + sources[clipping]!;
      // two parts that hardly depend on each other
      t.ok(Math.abs(got - want) < 0.05 * want, `${kind}: ${got} and ${want}`);
    }
    for (const { id, sources, total, remainder, sqnr } of report.layers) {
      const sum = Object.values(sources).reduce((a, b) => a + b, 0);
      t.ok(Math.abs(sum + remainder - total) < 1e-12);
      t.ok(Math.abs(remainder) < 0.25 * total, `${id}: rounding errors hardly depend on each other`);
      t.ok(Math.abs(10 ** (-sqnr / 10) - total) < 1e-9 * total + 1e-15);
    }
  }
  t.end();
});

/** Dense layers; unit 0 of the first is 0 but for one input in thousands, and the second hardly reads it. */
class Outlier extends Module {
  readonly first = new Linear(8, 16, { random: new Random(1) });
  readonly second = new Linear(16, 4, { random: new Random(2) });

  constructor() {
    super();
    this.first.weight.data.fill(0, 0, 8);
    this.first.weight.data[0] = 100;
    this.first.bias!.data[0] = -390;
    for (let o = 0; o < 4; o++) this.second.weight.data[o * 16] = 1e-6;
  }

  override forward(x: Tensor): Tensor {
    return this.second.forward(relu(this.first.forward(x)));
  }
}

t.test('an outlier that eats the range: a narrower range', (t) => {
  const data = batches(3, [512, 8], 3);
  data[1].data[0] = 6; // everything else is below 3.9
  data.forEach((x) => x.data.forEach((v, i) => (x.data[i] = v > 3.9 && v !== 6 ? 3.9 : v)));
  const graph = trace(new Outlier(), data[0]);
  const module = calibrate(prepare(graph, ptqConfig()), data);
  const report = attribute(module, data, QUICK);
  const first = layer(report, 'first');
  t.equal(first.best!.name, 'range: percentile');
  t.ok(first.best!.gain > 10, String(first.best!.gain));
  t.ok(
    report.best!.gain < first.best!.gain + 1,
    'equalization, which brings that channel down, is no better',
  );
  t.equal(layer(report, 'second').main, 'input rounding');
  t.ok(layer(report, 'second').best === null || layer(report, 'second').best!.gain < 1);
  t.end();
});

t.test('channels 100 times apart with one scale: per-channel weights or equalization', (t) => {
  const graph = rescaled(foldBatchNorm(fuseLayers(mobile())), SPREAD, 10);
  const report = attribute(quantized(graph, { granularity: 'per-tensor' }), DATA, QUICK);
  const { best, main } = layer(report, 'pointwise');
  t.same([best!.name, main], ['per-channel weights', 'weight rounding']);
  t.ok(best!.gain > 3, String(best!.gain));
  t.match(report.best!.name, /^(equalization|per-channel weights)$/);
  t.notOk(layer(report, 'stem').best?.name === 'per-channel weights' && layer(report, 'stem').best!.gain > 1);
  t.end();
});

t.test('a range that clips: a wider one', (t) => {
  const module = quantized(mobile());
  const quantizer = module.quantizer('depthwise')!;
  const qparams = quantizer.qparams();
  quantizer.fix({ ...qparams, scale: qparams.scale.map((s) => s / 4) });
  const report = attribute(module, DATA, QUICK);
  const { best, main, sources, total } = layer(report, 'depthwise');
  t.equal(main, 'output clipping');
  t.ok(sources['output clipping']! > 0.95 * total);
  t.equal(best!.name, 'range: min-max');
  t.ok(best!.gain > 10);
  t.equal(layer(report, 'pointwise').main, 'input clipping', 'seen from the layer that reads it');
  for (const { id, best: other } of report.layers)
    if (id !== 'depthwise') t.ok((other?.gain ?? 0) < 1, `${id} is not to blame`);
  // ranges are kept by the methods that do not calibrate anew
  const gains = new Map(report.network.map(({ name, gain }) => [name, gain]));
  t.ok(gains.get('calibration on this data')! > 10);
  t.ok(gains.get('AdaRound')! < 5);
  t.end();
});

t.test('gains are those of networks made with the fix', (t) => {
  const graph = mobile();
  const data = [normal([32, ...SHAPE.slice(1)], 900)]; // what `quality` measures on
  const make = (options: object): QuantizedModule => calibrate(prepare(graph, ptqConfig(options)), data);
  const base = { weightBits: 4, activationBits: 4, granularity: 'per-tensor' };
  const report = attribute(make(base), data, { adaround: false });
  t.ok(Math.abs(report.sqnr - quality(make(base), graph)) < 1e-6);
  const fixed = (id: string, name: string): number =>
    layer(report, id).fixes.find((f) => f.name === name)!.sqnr;
  for (const id of ['stem', 'pointwise']) {
    const weights = quality(make({ ...base, layers: { [id]: { weightBits: 8 } } }), graph);
    t.ok(Math.abs(fixed(id, 'weights of 8 bits') - weights) < 1e-6, id);
    const activations = quality(make({ ...base, layers: { [id]: { activationBits: 8 } } }), graph);
    t.ok(Math.abs(fixed(id, 'activation of 8 bits') - activations) < 1e-6, id);
  }
  const everywhere = quality(make({ ...base, granularity: 'per-channel' }), graph);
  t.ok(Math.abs(report.network.find((f) => f.name === 'per-channel weights')!.sqnr - everywhere) < 1e-6);
  t.same(
    report.network.map(({ gain }) => gain),
    report.network.map(({ gain }) => gain).sort((a, b) => b - a),
  );
  t.end();
});

t.test('every op, and quantizers that are trained; the module stays as it was', (t) => {
  const model = new EveryOp();
  roughen(model);
  const config = qatConfig({
    weightBits: 4,
    activationBits: 4,
    weightQuantizer: lsq(),
    activationQuantizer: lsqPlus(),
  });
  const module = calibrate(prepare(trace(model, normal(SHAPE)), config), DATA);
  const before = JSON.stringify([module.extraState(), ...module.stateDict().values()].map((v) => v));
  const after = Array.from(module.forward(DATA[0]).data);
  const report = attribute(module, DATA.slice(0, 1), { adaround: { iterations: 2 } });
  t.equal(JSON.stringify([module.extraState(), ...module.stateDict().values()].map((v) => v)), before);
  t.same(Array.from(module.forward(DATA[0]).data), after);
  for (const id of ['stem.0', 'add', 'mul', 'sigmoid', 'concat', 'softmax']) {
    const { sqnr, sources } = layer(report, id);
    t.ok(sqnr > 0 && sources['output rounding']! > 0, `${id}: ${sqnr}`);
  }
  t.notOk(report.layers.some(({ id }) => id === 'maxPool2d'));
  const text = attributionText(report);
  t.match(text, /^outputs: \d+\.\d dB\n\n +dB alone +in network +weight rounding/);
  t.match(text, /\nstem\.0 +[\d.]+ +[\d.]+ +\d+ %/);
  t.match(text, /\nAdaRound: [+-][\d.]+ dB\n/);
  t.same(JSON.parse(JSON.stringify(report)).layers.length, report.layers.length);
  t.end();
});

t.test('what cannot be is refused', (t) => {
  const module = prepare(mobile(), ptqConfig());
  t.throws(() => attribute(module, DATA), { code: 'quantization', message: /nothing was observed yet/ });
  t.throws(() => attribute(quantized(mobile()), []), {
    code: 'argument',
    message: /data: there is no batch/,
  });
  t.equal(attribute(quantized(mobile()), DATA.slice(0, 1), { network: false }).network.length, 0);
  t.end();
});
