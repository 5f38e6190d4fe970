/** AdaRound: neighbouring codes only, a smaller error than rounding to nearest, codes that still agree. */
import t from 'tap';
import { Tensor } from '../../../src/autograd/index.js';
import { NDArray, Random } from '../../../src/core/index.js';
import { isLayer } from '../../../src/graph/index.js';
import { Linear } from '../../../src/nn/index.js';
import { dequantizeArray, quantizeArray } from '../../../src/ops/index.js';
import { adaround, correctBias, type RoundedLayer } from '../../../src/quant/methods/index.js';
import { calibrate, prepare, ptqConfig, type QuantizedModule } from '../../../src/quant/index.js';
import { trace } from '../../../src/trace/index.js';
import { batches, normal } from '../../support/models.js';
import { differences, mobile, quality, SHAPE } from './nets.js';

interface Codes {
  /** weight / scale, folded */
  readonly exact: readonly number[];
  readonly codes: readonly number[];
}

function codesOf(module: QuantizedModule): Map<string, Codes> {
  return new Map(
    module.graph.nodes.filter(isLayer).map((node) => {
      const { weight, weightQParams } = module.resolveLayer(node);
      const per = weight.size / weightQParams.scale.length;
      const exact = Array.from(weight.data, (w, i) =>
        Math.fround(w / weightQParams.scale[Math.floor(i / per)]),
      );
      return [node.id, { exact, codes: [...quantizeArray(weight.value, weightQParams).data] }];
    }),
  );
}

function prepared(
  granularity: 'per-tensor' | 'per-channel',
  data: readonly Tensor[],
  bits = 3,
): QuantizedModule {
  return calibrate(prepare(mobile(), ptqConfig({ weightBits: bits, granularity })), data);
}

t.test('each layer has a smaller error, every weight a neighbouring code', (t) => {
  const data = batches(8, SHAPE, 70);
  for (const granularity of ['per-tensor', 'per-channel'] as const) {
    const module = prepared(granularity, data);
    // a pruned weight
    const pruned = module.tensor('stem.weight').data;
    pruned.fill(0, 3, 6);
    const before = codesOf(module);
    const sqnr = quality(module, mobile());
    const layers: RoundedLayer[] = [];
    t.equal(adaround(module, data, { iterations: 300, onLayer: (layer) => layers.push(layer) }), module);
    t.comment(
      `${granularity}: ${layers.map((l) => `${l.id} ${l.nearest.toExponential(1)} -> ${l.learned.toExponential(1)} (${l.moved})`).join(', ')}; ` +
        `SQNR of new data ${sqnr.toFixed(1)} -> ${quality(module, mobile()).toFixed(1)} dB`,
    );
    for (const { id, nearest, learned, moved } of layers) {
      t.ok(learned < nearest, `${id}: ${nearest} -> ${learned}`);
      t.ok(moved > 0, `${id}: ${moved} weights moved`);
    }
    for (const [id, { codes }] of codesOf(module)) {
      const { exact, codes: nearest } = before.get(id)!;
      const strays = codes.filter((q, i) => q !== Math.floor(exact[i]) && q !== Math.ceil(exact[i]));
      t.same(strays, [], `${id}: neighbours`);
      const { moved } = layers.find((layer) => layer.id === id)!;
      t.equal(codes.filter((q, i) => q !== nearest[i]).length, moved, `${id}: moved is what moved`);
    }
    t.ok(
      pruned.subarray(3, 6).every((w) => w === 0),
      'a weight on the grid stays',
    );
    t.ok(quality(module, mobile()) > sqnr + 2, 'better on new data');
    t.equal(differences(module), 0);
  }
  t.end();
});

t.test('of the 64 roundings of each filter it finds good ones', (t) => {
  const FILTERS = 12;
  const fc = new Linear(6, FILTERS, { random: new Random(11) });
  const latent = normal([96, 2], 12).data;
  const mixed = normal([6, 2], 13).data;
  const rows = Float32Array.from({ length: 96 * 6 }, (_, i) => {
    const [row, k] = [Math.floor(i / 6), i % 6];
    return latent[2 * row] * mixed[2 * k] + latent[2 * row + 1] * mixed[2 * k + 1];
  });
  const data = [0, 1, 2].map((b) => new Tensor(new NDArray(rows.slice(b * 192, (b + 1) * 192), [32, 6])));
  const module = calibrate(prepare(trace(fc, data[0]), ptqConfig({ weightBits: 3 })), data);
  const node = module.graph.nodes.find(isLayer)!;
  const { exact } = codesOf(module).get(node.id)!;
  const inputScale = module.valueQParams('input')!;
  const x = data.map(({ value }) => dequantizeArray(quantizeArray(value, inputScale), inputScale).data);
  const { scale } = module.resolveLayer(node).weightQParams;
  const original = Float64Array.from(fc.weight.data);
  /** Mean squared error of output c with a code for each weight. */
  const errorOf = (c: number, codes: readonly number[]): number => {
    let sum = 0;
    x.forEach((batch, b) => {
      for (let row = 0; row < 32; row++) {
        let e = 0;
        for (let k = 0; k < 6; k++)
          e += batch[6 * row + k] * codes[k] * scale[c] - data[b].data[6 * row + k] * original[6 * c + k];
        sum += e * e;
      }
    });
    return sum / 96;
  };
  adaround(module, data);
  const learned = codesOf(module).get(node.id)!.codes;
  const sum = { best: 0, found: 0, nearest: 0 };
  for (let c = 0; c < FILTERS; c++) {
    const own = exact.slice(6 * c, 6 * c + 6);
    const ends = own.map((v) => [Math.floor(v), Math.ceil(v)]);
    const all = Array.from({ length: 64 }, (_, bits) => ends.map((pair, k) => pair[(bits >> k) & 1]));
    const best = Math.min(...all.map((codes) => errorOf(c, codes)));
    const nearest = errorOf(c, own.map(Math.round));
    const found = errorOf(c, learned.slice(6 * c, 6 * c + 6));
    t.ok(best <= found * (1 + 1e-6) && found <= nearest * (1 + 1e-6), `${best} <= ${found} <= ${nearest}`);
    sum.best += best;
    sum.found += found;
    sum.nearest += nearest;
  }
  t.comment(`all filters: best ${sum.best}, found ${sum.found}, nearest ${sum.nearest}`);
  t.ok(sum.found - sum.best < 0.3 * (sum.nearest - sum.best), 'most of what can be gained');
  t.end();
});

t.test('it composes with bias correction, and is the same each time', (t) => {
  const data = batches(4, SHAPE, 80);
  const [first, second] = [0, 0].map(() => {
    const module = adaround(prepared('per-channel', data), data, { iterations: 60 });
    const learned = codesOf(module);
    correctBias(module, data);
    t.same(
      [...codesOf(module).values()].map(({ codes }) => codes),
      [...learned.values()].map(({ codes }) => codes),
    );
    t.equal(differences(module), 0);
    return module.stateDict();
  });
  for (const [id, { data: values }] of first) t.strictSame(values, second.get(id)!.data, id);
  t.end();
});

t.test('bad options', async (t) => {
  const data = batches(1, SHAPE);
  const module = prepared('per-channel', data);
  for (const options of [
    { iterations: 0 },
    { lr: -1 },
    { lambda: NaN },
    { warmup: 1 },
    { beta: [20, 0.5] as const },
    { beta: [20] as unknown as [number, number] },
  ])
    t.throws(() => adaround(module, data, options), {
      code: 'argument',
      message: new RegExp(Object.keys(options)[0]),
    });
  // undefined is the default: it is the batches that are complained of
  for (const name of ['iterations', 'lr', 'lambda', 'beta', 'warmup', 'seed', 'onLayer'])
    t.throws(() => adaround(module, [], { [name]: undefined }), { code: 'quantization', message: /batches/ });
  t.throws(() => adaround(module, []), { code: 'quantization', message: /batches/ });
});
