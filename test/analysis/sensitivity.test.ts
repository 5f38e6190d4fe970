/** Sensitivities are those of networks quantized by hand, and the bits chosen from them are near the best of all. */
import t from 'tap';
import { roundHalfEven } from '../../kernels/index.js';
import { noGrad, tensor, type Tensor } from '../../src/autograd/index.js';
import { sensitivity, sqnr, type Sensitivity } from '../../src/analysis/index.js';
import { fuseLayers, isLayer, type Graph } from '../../src/graph/index.js';
import { softmax } from '../../src/ops/index.js';
import { calibrate, prepare, ptqConfig, type LayerBits } from '../../src/quant/index.js';
import { mixedPrecision } from '../../src/quant/methods/index.js';
import { trace } from '../../src/trace/index.js';
import { batches, EveryOp, normal, roughen, TinyCnn } from '../support/models.js';
import { mobile, outputs, SHAPE } from '../quant/methods/nets.js';

const DATA = batches(2, SHAPE, 40);
const LAYERS = ['stem', 'depthwise', 'pointwise', 'fc'];
const found = (list: readonly Sensitivity[], id: string, kind: string, bits: number): Sensitivity =>
  list.find((s) => s.id === id && s.kind === kind && s.bits === bits)!;

/** dB of a network quantized as usual, on all the data. */
function measured(graph: Graph, options: object): number {
  const module = calibrate(prepare(graph, ptqConfig(options)), DATA);
  const flat = (run: (x: Tensor) => Tensor): number[] =>
    DATA.flatMap((x) => Array.from(noGrad(() => run(x)).data));
  return sqnr(
    flat((x) => outputs(graph, x)),
    flat((x) => module.forward(x)),
  );
}

t.test('weights of one layer, the rest in float', (t) => {
  const graph = mobile();
  const list = sensitivity(graph, DATA, { widths: [3, 8], kinds: ['weights'] });
  t.same(
    list.map(({ id, bits }) => `${id} ${bits}`),
    [3, 8].flatMap((bits) => LAYERS.map((id) => `${id} ${bits}`)),
  );
  for (const id of LAYERS) {
    // quantized weights of one layer by another road: the weights written into the float network
    const module = calibrate(prepare(graph, ptqConfig({ weightOnly: true, weightBits: 3 })), DATA);
    const node = module.graph.nodes.find((n) => n.id === id)!;
    const float = prepare(graph, ptqConfig());
    if (!isLayer(node)) throw new Error('a layer');
    const { weight, weightQParams } = module.resolveLayer(node);
    const { scale } = weightQParams;
    const per = weight.size / scale.length;
    const target = float.tensor(node.weight).data;
    const folded = weight.data;
    const before = target.slice();
    folded.forEach((w, i) => {
      const s = scale[Math.floor(i / per)];
      const q = Math.max(-3, Math.min(3, Math.sign(w) * Math.floor(Math.abs(w / s) + 0.5)));
      target[i] = before[i] * ((q * s) / w);
    });
    const flat = (run: (x: Tensor) => Tensor): number[] =>
      DATA.flatMap((x) => Array.from(noGrad(() => run(x)).data));
    const want = sqnr(
      flat((x) => outputs(graph, x)),
      flat((x) => float.eval().forward(x)),
    );
    const got = found(list, id, 'weights', 3);
    t.ok(Math.abs(got.sqnr - want) < 1e-3, `${id}: ${got.sqnr} and ${want}`);
    t.ok(Math.abs(got.loss - 10 ** (-want / 10)) < 1e-4);
    t.equal(got.elements, weight.size);
    t.ok(found(list, id, 'weights', 8).sqnr > want + 20, 'about 6 dB a bit');
  }
  t.end();
});

t.test('activations: each value that has codes of its own', (t) => {
  const model = new EveryOp();
  roughen(model);
  const graph = trace(model, normal(SHAPE));
  const list = sensitivity(graph, DATA, { widths: [4], kinds: ['activations'] });
  const ids = list.map(({ id }) => id);
  t.ok(['input', 'stem.0', 'add', 'sigmoid', 'softmax'].every((id) => ids.includes(id)));
  t.notOk(ids.includes('maxPool2d'), 'it has the codes of what it reads');

  const { scale, zeroPoint } = calibrate(prepare(graph, ptqConfig({ activationBits: 4 })), DATA).valueQParams(
    'input',
  )!;
  const coded = DATA.map((x) => {
    const clip = (q: number): number => Math.min(Math.max(q, -8), 7);
    const data = x.data.map(
      (v) => (clip(roundHalfEven(v / scale[0]) + zeroPoint[0]) - zeroPoint[0]) * scale[0],
    );
    return tensor(data as Float32Array, { shape: SHAPE });
  });
  const flat = (xs: Tensor[]): number[] => xs.flatMap((x) => Array.from(outputs(graph, x).data));
  const want = sqnr(flat(DATA), flat(coded));
  const { sqnr: got } = found(list, 'input', 'activations', 4);
  t.ok(Math.abs(got - want) < 1e-3, `${got} and ${want}`);
  t.end();
});

t.test('all but one: what remains when one tensor is float', (t) => {
  const graph = mobile();
  const all = measured(graph, { weightBits: 4, activationBits: 4 });
  const list = sensitivity(graph, DATA, { widths: [4], mode: 'except' });
  for (const s of list) t.ok(s.sqnr > all - 1.5, `${s.kind} of ${s.id}: ${s.sqnr}, with all ${all}`);
  t.ok(Math.max(...list.map((s) => s.sqnr)) > all + 0.5, 'something helps');
  const float = found(list, 'fc', 'activations', 4);
  t.ok(Math.abs(float.sqnr - measured(graph, { weightBits: 4, activationBits: 4, float: ['fc'] })) < 1e-3);
  const input = found(list, 'input', 'activations', 4);
  t.ok(Math.abs(input.sqnr - measured(graph, { weightBits: 4, activationBits: 4, float: ['input'] })) < 1e-3);
  t.end();
});

t.test('divergence and accuracy of classifiers', (t) => {
  const model = new TinyCnn();
  roughen(model);
  const graph = trace(model, normal(SHAPE));
  const labelled = DATA.map((inputs) => {
    const y = outputs(graph, inputs);
    const best = Array.from({ length: y.shape[0] }, (_, r) => {
      const row = Array.from(y.data.subarray(r * 3, r * 3 + 3));
      return row.indexOf(Math.max(...row));
    });
    return { inputs, targets: tensor(best, { dtype: 'int32' }) };
  });
  const list = sensitivity(graph, labelled, { widths: [2, 8] });
  const fine = found(list, 'conv', 'weights', 8);
  t.equal(fine.accuracy, 1, 'labels are what the float network says');
  const coarse = found(list, 'fc', 'activations', 2);
  t.ok(coarse.kl! > 10 * fine.kl! && fine.kl! >= 0, `${coarse.kl} and ${fine.kl}`);
  t.ok(coarse.accuracy! < 1);

  // the divergence of one case from its definition
  const module = calibrate(prepare(graph, ptqConfig({ activationBits: 2 })), DATA);
  const { scale, zeroPoint, quantMin, quantMax } = module.valueQParams('fc')!;
  let [sum, rows] = [0, 0];
  for (const { inputs } of labelled) {
    const y = outputs(graph, inputs);
    const coded = tensor(
      Array.from(y.data, (v) => {
        const q = Math.min(Math.max(Math.floor(v / scale[0] + 0.5) + zeroPoint[0], quantMin), quantMax);
        return (q - zeroPoint[0]) * scale[0];
      }),
    );
    const p = softmax(y, { axis: -1 }).data;
    for (let r = 0; r < y.shape[0]; r++, rows++) {
      const q = softmax(tensor([Array.from(coded.data.subarray(r * 3, r * 3 + 3))]), { axis: -1 }).data;
      for (let c = 0; c < 3; c++) sum += p[r * 3 + c] * Math.log(p[r * 3 + c] / q[c]);
    }
  }
  t.ok(Math.abs(sum / rows - coarse.kl!) < 1e-4, `${sum / rows} and ${coarse.kl}`);
  t.end();
});

t.test('bits chosen from sensitivities are near the best of all combinations, measured', (t) => {
  const graph = mobile();
  const fused = fuseLayers(graph);
  const layers = fused.nodes.filter(isLayer);
  const widths = [3, 6];
  const list = sensitivity(graph, DATA, { widths, kinds: ['weights'] });
  const cost = (node: (typeof layers)[number], { weightBits = 8 }: LayerBits): number =>
    (fused.params.get(node.weight)!.array.size * weightBits) / 8;
  const combinations = widths.flatMap((a) =>
    widths.flatMap((b) => widths.flatMap((c) => widths.map((d) => [a, b, c, d]))),
  );
  const every = combinations.map((bits) => {
    const chosen = Object.fromEntries(layers.map(({ id }, i) => [id, { weightBits: bits[i] }]));
    const bytes = layers.reduce((sum, node, i) => sum + cost(node, { weightBits: bits[i] }), 0);
    return { bytes, sqnr: measured(graph, { layers: chosen }) };
  });
  const whole = layers.reduce((sum, node) => sum + cost(node, { weightBits: 6 }), 0);
  for (const share of [0.55, 0.65, 0.75, 0.9]) {
    const budget = share * whole;
    const { layers: chosen, cost: bytes } = mixedPrecision(graph, list, { budget, cost });
    t.ok(bytes <= budget);
    const best = Math.max(...every.filter((c) => c.bytes <= budget).map((c) => c.sqnr));
    const here = measured(graph, { layers: chosen });
    t.ok(here > best - 1, `${share}: ${here} dB, the best of ${every.length} is ${best}`);
  }
  t.end();
});

t.test('what cannot be is refused', (t) => {
  const graph = mobile();
  t.throws(() => sensitivity(graph, []), { code: 'argument', message: /data: there is no batch/ });
  t.throws(() => sensitivity(graph, DATA, { mode: 'both' as 'only' }), { message: /mode: both is unknown/ });
  t.throws(() => sensitivity(graph, DATA, { widths: [] }), { message: /widths: there is none/ });
  t.throws(() => sensitivity(graph, DATA, { widths: [9] }), { code: 'quantization', message: /widths: 9/ });
  t.throws(() => sensitivity(graph, DATA, { kinds: ['x' as 'weights'] }), {
    code: 'argument',
    message: /kinds: x is unknown; use 'weights' and 'activations'/,
  });
  const labels = tensor([1], { dtype: 'int32' });
  t.throws(() => sensitivity(graph, [{ inputs: DATA[0], targets: labels }]), {
    message: /1 labels for 8 rows/,
  });
  t.end();
});
