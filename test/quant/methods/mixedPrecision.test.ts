/** Bits under a budget: the best there are, by exhaustive search; never over the budget; no worse with a larger one. */
import t from 'tap';
import { Random } from '../../../src/core/index.js';
import { encodeModel } from '../../../src/formats/index.js';
import { fuseLayers, isLayer, macsOf } from '../../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig, type LayerBits } from '../../../src/quant/index.js';
import {
  allocateBits,
  macBits,
  mixedPrecision,
  storedBytes,
  type BitChoice,
  type BitCost,
  type LayerLoss,
} from '../../../src/quant/methods/index.js';
import { batches } from '../../support/models.js';
import { mobile, SHAPE } from './nets.js';

function randomChoices(random: Random, layers: number, count: number): Map<string, BitChoice[]> {
  const choice = (i: number): BitChoice => ({
    bits: { weightBits: 2 + i },
    cost: random.uniform(1, 10),
    loss: random.uniform(0, 1),
  });
  return new Map(
    Array.from({ length: layers }, (_, l) => [
      `layer${l}`,
      Array.from({ length: count }, (_, i) => choice(i)),
    ]),
  );
}

/** Every combination. */
function exhaustive(choices: ReadonlyMap<string, readonly BitChoice[]>, budget: number): number {
  let best = Infinity;
  const lists = [...choices.values()];
  const walk = (at: number, cost: number, loss: number): void => {
    if (cost > budget) return;
    if (at === lists.length) best = Math.min(best, loss);
    else for (const c of lists[at]) walk(at + 1, cost + c.cost, loss + c.loss);
  };
  walk(0, 0, 0);
  return best;
}

t.test('as good as exhaustive search, within the budget, and monotone in it', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const choices = randomChoices(new Random(seed), 5, 4);
    let before = Infinity;
    for (const budget of [15, 20, 25, 30, 40, 60]) {
      const best = exhaustive(choices, budget);
      if (best === Infinity) {
        t.throws(() => allocateBits(choices, budget), {
          code: 'argument',
          message: /too little; the cheapest/,
        });
        continue;
      }
      const { layers, cost, loss } = allocateBits(choices, budget);
      t.ok(Math.abs(loss - best) < 1e-12, `seed ${seed}, ${budget}: ${loss} and ${best}`);
      t.ok(cost <= budget);
      const taken = [...choices].map(([id, list]) => list.find(({ bits }) => bits === layers[id])!);
      t.ok(Math.abs(taken.reduce((s, c) => s + c.cost, 0) - cost) < 1e-9, 'the cost is that of the choices');
      t.ok(loss <= before, 'a larger budget is no worse');
      before = loss;
    }
  }
  t.end();
});

t.test('networks of many layers: a second at most, and near the bound of fractional choices', (t) => {
  const choices = randomChoices(new Random(1), 60, 7);
  const start = performance.now();
  const { cost, loss } = allocateBits(choices, 200);
  t.ok(performance.now() - start < 10_000);
  t.ok(cost <= 200 && cost > 190, `${cost}`);
  // Lagrange: no choice is better than the least of loss + m * cost, less m * budget, for any m
  const bound = Math.max(
    ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5].map((m) =>
      [...choices.values()].reduce(
        (s, list) => s + Math.min(...list.map((c) => c.loss + m * c.cost)),
        -m * 200,
      ),
    ),
  );
  t.ok(loss >= bound - 1e-9 && loss < bound + 1.5, `${loss}, bound ${bound}`);
  t.end();
});

/** Losses that fall by 6 dB a bit, of layers that differ. */
function madeUp(factors: Readonly<Record<string, number>>): LayerLoss[] {
  return Object.entries(factors).flatMap(([id, factor]) =>
    [2, 3, 4, 5, 6, 7, 8].flatMap((bits) =>
      (['weights', 'activations'] as const).map((kind) => ({ id, kind, bits, loss: factor * 4 ** -bits })),
    ),
  );
}

const LOSSES = madeUp({ stem: 1, depthwise: 100, pointwise: 3, fc: 0.1 });

t.test('bytes are those of the file', (t) => {
  const graph = mobile();
  const fused = fuseLayers(graph);
  const layers = fused.nodes.filter(isLayer);
  const bytes = storedBytes(fused);
  const sizeOf = (bits: Readonly<Record<string, LayerBits>>): number => {
    const config = ptqConfig({ layers: bits });
    return encodeModel(convert(calibrate(prepare(graph, config), batches(1, SHAPE)))).length;
  };
  const all = sizeOf({});
  for (const { id } of layers)
    for (const weightBits of [4, 3, 5]) {
      const node = layers.find((layer) => layer.id === id)!;
      const saved = bytes(node, { weightBits: 8 }) - bytes(node, { weightBits });
      // beside the codes, the range is written in digits, and tensors are aligned
      t.ok(
        Math.abs(all - sizeOf({ [id]: { weightBits } }) - saved) <= 16,
        `${id}, ${weightBits} bits: ${saved}`,
      );
    }
  t.end();
});

t.test('plugs into a config; the layer that minds most gets the most bits', (t) => {
  const graph = mobile();
  const fused = fuseLayers(graph);
  const total = fused.nodes.filter(isLayer).reduce((s, n) => s + storedBytes(fused)(n, {}), 0);
  let before = Infinity;
  for (const share of [0.5, 0.55, 0.6, 0.8, 1]) {
    const { layers, cost, loss } = mixedPrecision(graph, LOSSES, { budget: share * total });
    t.ok(cost <= share * total && loss <= before);
    before = loss;
    const module = prepare(graph, ptqConfig({ layers }));
    t.equal(
      convert(calibrate(module, batches(1, SHAPE))).params.get('fc.weight')!.qparams!.dtype,
      share < 1 ? 'int4' : 'int8',
    );
    t.notOk(
      Object.values(layers).some(({ weightBits }) => weightBits! < 4),
      'fewer than 4 bits save no byte',
    );
  }
  const { layers } = mixedPrecision(graph, LOSSES, { budget: 0.6 * total });
  t.same(layers.depthwise, { weightBits: 8 });
  t.end();
});

t.test('another cost, and activations beside the weights', (t) => {
  const graph = mobile();
  const fused = fuseLayers(graph);
  const cost = macBits(fused);
  const uniform = fused.nodes.filter(isLayer).reduce((s, n) => s + 16 * macsOf(fused, n), 0);
  const mixed = mixedPrecision(graph, LOSSES, { budget: uniform, cost, activations: true });
  t.ok(mixed.cost <= uniform && mixed.cost > 0.9 * uniform);
  for (const { weightBits, activationBits } of Object.values(mixed.layers))
    t.equal(weightBits, activationBits);
  const four = LOSSES.filter(({ bits }) => bits === 4).reduce((s, { loss }) => s + loss, 0);
  t.ok(mixed.loss < four, 'less than four bits everywhere lose');
  t.ok(mixed.layers.depthwise.weightBits! > 4);
  t.end();
});

t.test('a budget of latency: milliseconds of a table, by layer and width', (t) => {
  // Made up, as of a target whose 4-bit kernels are fast for dense layers and no faster for depthwise ones.
  const milliseconds: Readonly<Record<string, Readonly<Record<number, number>>>> = {
    stem: { 8: 1.6, 4: 0.9 },
    depthwise: { 8: 0.7, 4: 0.7 },
    pointwise: { 8: 2.1, 4: 1.1 },
    fc: { 8: 0.3, 4: 0.2 },
  };
  const widths = [8, 4];
  const losses = LOSSES.filter(({ bits }) => widths.includes(bits));
  const graph = mobile();
  const cost: BitCost = ({ id }, { weightBits = 8 }) => milliseconds[id][weightBits];
  const timeOf = (layers: Readonly<Record<string, LayerBits>>): number =>
    Object.entries(layers).reduce((sum, [id, bits]) => sum + milliseconds[id][bits.weightBits!], 0);
  const lossOf = (ids: readonly string[], bits: readonly number[]): number =>
    ids.reduce((sum, id, i) => {
      const entry = losses.find((l) => l.id === id && l.kind === 'weights' && l.bits === bits[i])!;
      return sum + entry.loss;
    }, 0);
  const ids = Object.keys(milliseconds);
  const every = Array.from({ length: 2 ** ids.length }, (_, n) => ids.map((_, i) => widths[(n >> i) & 1]));
  const inTime = (bits: readonly number[]): number =>
    ids.reduce((sum, id, i) => sum + milliseconds[id][bits[i]], 0);
  for (const budget of [3, 3.6, 4, 4.7]) {
    const fast = mixedPrecision(graph, losses, { budget, cost });
    t.ok(fast.cost <= budget, `${fast.cost} of ${budget} ms`);
    t.ok(Math.abs(timeOf(fast.layers) - fast.cost) < 1e-9, 'the cost is that of the table');
    const best = Math.min(...every.filter((bits) => inTime(bits) <= budget).map((b) => lossOf(ids, b)));
    t.ok(Math.abs(fast.loss - best) < 1e-12, 'the least loss of all that keep the budget');
    t.same(fast.layers.depthwise, { weightBits: 8 }, 'where fewer bits save no time, there are none fewer');
  }
  const fused = fuseLayers(graph);
  const all = fused.nodes.filter(isLayer).reduce((sum, node) => sum + storedBytes(fused)(node, {}), 0);
  const fast = mixedPrecision(graph, losses, { budget: 3.6, cost });
  const small = mixedPrecision(graph, losses, { budget: 0.6 * all });
  t.notSame(fast.layers, small.layers, 'another budget, other bits');
  t.ok(timeOf(small.layers) > 3.6, 'what keeps the bytes is too slow');
  t.throws(() => mixedPrecision(graph, losses, { budget: 2.8, cost }), { message: /2.8 is too little/ });
  t.end();
});

t.test('noise in the losses gives no layer fewer bits for nothing', (t) => {
  const lucky = LOSSES.map((l) => (l.id === 'stem' && l.bits === 3 ? { ...l, loss: 0 } : l));
  const total =
    2 * storedBytes(fuseLayers(mobile()))(fuseLayers(mobile()).nodes.find((n) => n.id === 'fc') as never, {});
  t.equal(mixedPrecision(mobile(), lucky, { budget: total }).layers.stem.weightBits, 8);
  t.end();
});

t.test('what cannot be is refused', (t) => {
  const one = (list: BitChoice[]) => () => allocateBits(new Map([['a', list]]), 5);
  t.throws(one([]), { code: 'argument', message: /choices: a has none/ });
  t.throws(one([{ bits: {}, cost: NaN, loss: 0 }]), { message: /choices: a has cost NaN/ });
  t.throws(() => allocateBits(new Map(), NaN), { message: /budget: NaN/ });
  t.throws(
    () =>
      mixedPrecision(
        mobile(),
        LOSSES.filter(({ id }) => id !== 'fc'),
        { budget: 1e6 },
      ),
    {
      code: 'quantization',
      message: /losses: fc has none/,
    },
  );
  t.throws(() => mixedPrecision(mobile(), LOSSES, { budget: 10 }), { message: /budget: 10 is too little/ });
  t.end();
});
