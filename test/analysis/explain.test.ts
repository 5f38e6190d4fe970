/** Explanations: their arithmetic gives the codes of the runtime, and the printed lines give the printed numbers. */
import t, { type Test } from 'tap';
import { roundHalfAway, roundHalfEven } from '../../kernels/index.js';
import { noGrad } from '../../src/autograd/index.js';
import { explain, Explainer, explanationText, type Explanation } from '../../src/analysis/index.js';
import { Random } from '../../src/core/index.js';
import type { Graph, LayerNode, Numerics } from '../../src/graph/index.js';
import { Linear } from '../../src/nn/index.js';
import { calibrate, convert, prepare, ptqConfig, type QuantizedModule } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { cloneParams, trace } from '../../src/trace/index.js';
import { importedOps } from '../support/graphs.js';
import { batches, EveryOp, normal, roughen } from '../support/models.js';

const NUMERICS: readonly Numerics[] = [
  { numerics: 'float' },
  { numerics: 'fixed', rounding: 'double' },
  { numerics: 'fixed', rounding: 'single' },
];
const SHAPE = [4, 8, 8, 2];
const ONE = [1, 8, 8, 2];

function everyOp(
  numerics: Numerics,
  bits: number,
  granularity: 'per-channel' | 'per-tensor' = 'per-channel',
) {
  const model = new EveryOp();
  roughen(model);
  const config = ptqConfig({ numerics, weightBits: bits, activationBits: bits, granularity });
  return calibrate(prepare(trace(model, normal(SHAPE)), config), batches(2, SHAPE));
}

/** The code that the steps end with; a code is made before the real number of it. */
const computed = ({ steps }: Explanation): number =>
  steps.filter(({ name }) => name === 'code').at(-1)!.value;

/** Random positions of every node, with what a session of its own gives there. */
function* positions(explainer: Explainer, count: number, seed: number): Generator<Explanation> {
  const random = new Random(seed);
  for (const { id, op } of explainer.graph.nodes) {
    if (op === 'dequantize') continue;
    const { shape } = explainer.graph.values.get(id)!;
    for (let i = 0; i < count; i++)
      yield explainer.at({
        layer: id,
        channel: random.int(shape[shape.length - 1]),
        position: shape.slice(1, -1).map((size) => random.int(size)),
      });
  }
}

t.test('every op, all arithmetics, 2 to 8 bits: the steps end in the code of the runtime', (t) => {
  for (const numerics of NUMERICS)
    for (const bits of [2, 3, 4, 5, 6, 7, 8]) {
      const explainer = new Explainer(
        everyOp(numerics, bits, bits % 2 ? 'per-tensor' : 'per-channel'),
        normal(ONE, 50),
      );
      let wrong = 0;
      let count = 0;
      for (const e of positions(explainer, 15, bits)) {
        count++;
        if (computed(e) !== e.code) wrong++;
      }
      t.equal(wrong, 0, `${JSON.stringify(numerics)}, ${bits} bits`);
      t.ok(count > 300);
    }
  t.end();
});

t.test('ops of imported networks too', (t) => {
  const shape = [2, 6, 5, 4];
  for (const numerics of NUMERICS) {
    const module = calibrate(prepare(importedOps(), ptqConfig({ numerics })), batches(2, shape));
    for (const e of positions(new Explainer(module, normal([1, 6, 5, 4], 9)), 15, 3)) {
      if (e.rule === null) t.equal(computed(e), e.code, `${e.layer} (${e.op}) at [${e.position.join(', ')}]`);
      else t.match(e.rule, /four codes/);
    }
  }
  t.end();
});

t.test('codes are those of the integer graph, floats those of the float network', (t) => {
  const module = everyOp({ numerics: 'float' }, 8);
  const graph = convert(module);
  const x = normal(ONE, 12);
  const session = new Session(graph, { keep: true });
  session.run(x.value);
  module.phase = 'off';
  const float = noGrad(() => module.runAll(new Map([['input', x]])));
  module.phase = 'frozen';
  const where = { layer: 'grouped', channel: 4, position: [1, 3] };
  const e = explain(module, x, where);
  const flat = (1 * 4 + 3) * 6 + 4;
  t.equal(e.code, session.tensor('grouped').data[flat]);
  t.equal(e.float, float.get('grouped')!.data[flat]);
  const { scale, zeroPoint } = graph.values.get('grouped')!.qparams!;
  t.equal(e.real, Math.fround((e.code! - zeroPoint[0]) * scale[0]));
  t.equal(e.error!.total, e.real - e.float!);
  t.ok(Math.abs(e.error!.before + e.error!.here - e.error!.total) < 1e-12);
  t.ok(Math.abs(e.error!.here) < 3 * scale[0], 'of one layer at 8 bits: about a step');

  // the sum of float inputs times float weights is the float network's value
  const sum = e.terms.reduce((s, { float: x, weight }) => s + x! * weight!.float!, 0);
  t.ok(Math.abs(sum - e.float!) < 1e-5, `${sum} and ${e.float}`);
  const products = e.terms.reduce((s, { weight }) => s + weight!.product, 0);
  t.equal(e.steps.find(({ name }) => name === 'products')!.value, products);

  const alone = explain(graph, x, where);
  t.same([alone.code, alone.float, alone.error], [e.code, null, null], 'an integer graph knows no floats');
  t.same(
    JSON.parse(JSON.stringify(explain(graph, x, where, { float: module.graph }))),
    JSON.parse(JSON.stringify(e)),
  );
  t.end();
});

t.test('biases of another network are not shown as the source', (t) => {
  const graph = trace(new EveryOp(), normal(SHAPE));
  const module = calibrate(prepare(graph, ptqConfig()), batches(2, SHAPE));
  const integers = convert(module);
  const biasStep = (float: Graph, channel: number) =>
    explain(integers, normal(ONE), { layer: 'depthwise', channel }, { float }).steps.find(
      ({ name }) => name === 'bias',
    )!;
  const { bias } = graph.nodes.find((node): node is LayerNode => node.id === 'depthwise')!;
  const before = cloneParams(graph);
  before.params.get(bias!)!.array.data[2] += 1;
  for (const channel of [0, 1, 2]) {
    t.match(biasStep(graph, channel).formula, /^rne\(\S+ \/ f32\(/);
    t.equal(
      biasStep(before, channel).formula,
      'stored',
      `channel ${channel}: one of the others does not agree`,
    );
    t.equal(biasStep(before, channel).value, biasStep(graph, channel).value);
  }
  t.end();
});

t.test(
  'float networks: one with other names is matched, a foreign one refused, without one no columns',
  (t) => {
    const graph = trace(new EveryOp(), normal(SHAPE));
    const integers = convert(calibrate(prepare(graph, ptqConfig()), batches(2, SHAPE)));
    const names = new Map<string, string>();
    const named = (id: string): string => names.get(id) ?? id;
    for (const { id } of graph.nodes) names.set(id, `other/${names.size}`);
    const renamed: Graph = {
      ...graph,
      nodes: graph.nodes.map((node) => ({ ...node, id: named(node.id), inputs: node.inputs.map(named) })),
      values: new Map(Array.from(graph.values, ([id, value]) => [named(id), { ...value, id: named(id) }])),
      outputs: graph.outputs.map(named),
    };
    const x = normal(ONE, 8);
    const where = { layer: 'grouped', channel: 1, position: [2, 2] };
    const [own, other] = [graph, renamed].map((float) => explain(integers, x, where, { float }));
    t.type(own.float, 'number');
    t.same(JSON.parse(JSON.stringify(other)), JSON.parse(JSON.stringify(own)));
    const foreign = trace(new Linear(2, 3), normal(ONE));
    t.throws(() => explain(integers, x, where, { float: foreign }), {
      message: /^float: this network shares no value/,
    });
    const columnsOf = (e: Explanation) =>
      String(e)
        .split('\n')
        .find((line) => line.startsWith('  at'))!
        .trim()
        .split(/ {2,}/);
    t.same(columnsOf(own), ['at', 'float', 'code', 'code - z', 'weight', 'weight code', 'product']);
    t.same(columnsOf(explain(integers, x, where)), ['at', 'code', 'code - z', 'weight code', 'product']);
    t.end();
  },
);

t.test('inputs and outputs: from floats to codes and back', (t) => {
  const module = everyOp({ numerics: 'float' }, 8);
  const x = normal(ONE, 12);
  const e = explain(module, x, { layer: 'input', channel: 1, position: [2, 3] });
  t.equal(e.layer, 'input/quantize');
  t.equal(e.float, x.data[(2 * 8 + 3) * 2 + 1]);
  t.equal(computed(e), e.code);
  const out = explain(module, x, { layer: 'softmax/dequantize', channel: 2 });
  t.equal(out.code, null);
  t.equal(out.real, explain(module, x, { layer: 'softmax', channel: 2 }).real);
  t.end();
});

// ---- the text, worked through by hand ----

const f32 = Math.fround;
const FUNCTIONS: Record<string, (...args: number[]) => number> = {
  f32,
  rne: roundHalfEven,
  round: roundHalfAway,
  away: roundHalfAway,
  floor: Math.floor,
  max: Math.max,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  saturate: (x) => Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1),
};

/** What the formula of a line gives; null for those in words. */
function byHand(formula: string, before: ReadonlyMap<string, number>): number | null {
  const source = formula
    .replaceAll('round half away', 'away')
    .replaceAll('2^', '2**')
    .replace(/(?<![\w.])t(?!\w)/g, () => String(before.get('t')));
  const words = source.match(/[a-z]\w*(?=\()/gi) ?? [];
  const arithmetic = /^[\d\s.,+\-*/()e]*$/.test(source.replace(/[a-z]\w*(?=\()/gi, ''));
  if (!arithmetic || !words.every((word) => word in FUNCTIONS)) return null;
  const evaluate = new Function(...Object.keys(FUNCTIONS), `return ${source}`) as (
    ...args: unknown[]
  ) => number;
  return evaluate(...Object.values(FUNCTIONS));
}

function checkLines(t: Test, module: QuantizedModule): number {
  let checked = 0;
  for (const e of positions(new Explainer(module, normal(ONE, 31)), 4, 5)) {
    const before = new Map<string, number>();
    for (const line of String(e).split('\n')) {
      const parts = /^(\S.*?) += (.*) = (\S+)$/.exec(line);
      if (parts === null) continue;
      const [, name, formula, value] = parts;
      before.set(name, Number(value));
      const found = byHand(formula, before);
      if (found === null) continue;
      checked++;
      // multipliers are doubles, and printed in full
      if (name.endsWith('mantissa') && found !== Number(value))
        t.fail(`${e.layer}: ${line}, by hand ${found}`);
      // of numbers that are shown with nine digits, f32 may give the next float32
      const near = Math.abs(found - Number(value)) <= 2 ** -22 * Math.max(Math.abs(found), 1e-12);
      if (!near) t.fail(`${e.layer}: ${line}, by hand ${found}`);
    }
  }
  return checked;
}

t.test('every line can be computed from the numbers in it', (t) => {
  for (const numerics of NUMERICS) t.ok(checkLines(t, everyOp(numerics, 8)) > 400, JSON.stringify(numerics));
  t.end();
});

t.test('the text shows as many terms as asked for, and counts the others', (t) => {
  const module = everyOp({ numerics: 'float' }, 8);
  const e = explain(module, normal(ONE, 3), { layer: 'stem.0', channel: 2, position: [1, 1] });
  t.equal(e.terms.length, 18);
  t.match(String(e), /^stem\.0, channel 2 at \[1, 1\]: conv2d \+ relu6 \(float numerics\)\n/);
  t.match(String(e), /float network +\S+\n/);
  const short = explanationText(e, { terms: 5 });
  const rest = e.terms.slice(5).reduce((s, { weight }) => s + weight!.product, 0);
  t.match(short, `and 13 more, which sum to ${rest}\n`);
  t.equal(String(e).split('\n').length - short.split('\n').length, 13 - 1);
  t.end();
});

t.test('what does not exist is refused, with what does', (t) => {
  const module = everyOp({ numerics: 'float' }, 8);
  const x = normal(ONE);
  const at = (where: object) => () => explain(module, x, { layer: 'stem.0', ...where });
  t.throws(at({ layer: 'stem' }), {
    code: 'argument',
    message: /layer: stem is not .*input\/quantize, stem\.0, /,
  });
  t.throws(at({ channel: 6 }), {
    code: 'argument',
    message: 'channel: 6 is not in stem.0, which has channels 0 to 5',
  });
  t.throws(at({ channel: 0.5 }), { message: /channel: 0.5/ });
  t.throws(at({ position: [1, 4] }), { message: 'position: [1, 4] is not in stem.0; give [0 to 3, 0 to 3]' });
  t.throws(at({ position: [1] }), { message: /position: \[1\]/ });
  t.throws(at({ layer: 'fc', position: [0] }), { message: /it has channels only, leave position out/ });
  t.throws(() => explain(module, normal(SHAPE), { layer: 'fc' }), { message: /give one, with a batch of 1/ });
  t.end();
});
