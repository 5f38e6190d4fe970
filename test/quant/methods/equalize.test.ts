/** Equalization changes scales and not the function, and brings back what per-tensor scales lose. */
import t from 'tap';
import { NDArray } from '../../../src/core/index.js';
import { foldBatchNorm, fuseLayers, GraphBuilder, type Graph } from '../../../src/graph/index.js';
import { absorbBias, equalize } from '../../../src/quant/methods/index.js';
import { calibrate, prepare, ptqConfig } from '../../../src/quant/index.js';
import { batches, normal } from '../../support/models.js';
import {
  differences,
  largestDifference,
  mobile,
  mobile6,
  outputs,
  quality,
  rescaled,
  SHAPE,
} from './nets.js';

const PAIRS: [string, string][] = [
  ['stem', 'depthwise'],
  ['depthwise', 'pointwise'],
  ['pointwise', 'fc'],
];

/** Largest over smallest of the largest magnitudes of the filters. */
function spread(graph: Graph, id: string): number {
  const { data, shape, size } = graph.params.get(id)!.array;
  const per = size / shape[0];
  const ranges = Array.from({ length: shape[0] }, (_, c) =>
    Math.max(...Array.from(data.subarray(c * per, (c + 1) * per) as Float32Array, Math.abs)),
  );
  return Math.max(...ranges) / Math.min(...ranges);
}

t.test('the function stays, through ReLU, leaky ReLU, pooling, flattening and depthwise layers', (t) => {
  const x = normal(SHAPE, 5);
  for (const seed of [1, 2, 3]) {
    const graph = mobile(seed);
    const before = outputs(graph, x).data;
    const equal = equalize(graph);
    const worst = largestDifference(before, outputs(equal, x).data);
    const scale = Math.max(...Array.from(before, Math.abs));
    t.ok(worst <= 1e-5 * Math.max(scale, 1), `seed ${seed}: ${worst} of ${scale}`);
    t.not(worst, 0, 'weights did change');
    t.equal(largestDifference(before, outputs(graph, x).data), 0, 'the given graph is as it was');
  }
  t.end();
});

t.test('both sides of a pair end with one range per channel', (t) => {
  const graph = rescaled(foldBatchNorm(fuseLayers(mobile())), PAIRS, 10);
  const equal = equalize(graph, { rounds: 500 });
  const per = (id: string, channelOf: (i: number) => number): number[] => {
    const out = new Array<number>(8).fill(0);
    equal.params.get(id)!.array.data.forEach((w, i) => {
      out[channelOf(i)] = Math.max(out[channelOf(i)], Math.abs(w));
    });
    return out;
  };
  const stem = per('stem.weight', (i) => Math.floor(i / 18));
  const depthwise = per('depthwise.weight', (i) => Math.floor(i / 9));
  const pointwiseIn = per('pointwise.weight', (i) => i % 8);
  const pointwiseOut = per('pointwise.weight', (i) => Math.floor(i / 8));
  const fc = per('fc.weight', (i) => i % 8);
  for (const [a, b] of [
    [stem, depthwise],
    [depthwise, pointwiseIn],
    [pointwiseOut, fc],
  ])
    t.ok(
      a.every((r, c) => Math.abs(r / b[c] - 1) < 1e-2),
      `${a.join(' ')} | ${b.join(' ')}`,
    );
  t.ok(spread(graph, 'stem.weight') > 4 * spread(equal, 'stem.weight'));
  t.end();
});

t.test('channels rescaled 100 times: per-tensor scales collapse, equalization recovers', (t) => {
  const graph = foldBatchNorm(fuseLayers(mobile()));
  const spoilt = rescaled(graph, PAIRS, 10);
  const x = normal(SHAPE, 6);
  const scale = Math.max(...Array.from(outputs(graph, x).data, Math.abs));
  t.ok(
    largestDifference(outputs(graph, x).data, outputs(spoilt, x).data) < 1e-5 * scale,
    'the same function',
  );
  const config = ptqConfig({ granularity: 'per-tensor' });
  const [plain, collapsed, recovered] = [graph, spoilt, equalize(spoilt)].map((g) => {
    const module = calibrate(prepare(g, config), batches(4, SHAPE));
    t.equal(differences(module), 0);
    return quality(module, graph);
  });
  t.comment(
    `SQNR: ${plain.toFixed(1)} dB, rescaled ${collapsed.toFixed(1)}, equalized ${recovered.toFixed(1)}`,
  );
  t.ok(collapsed < plain - 8, `${collapsed} dB of ${plain}`);
  t.ok(recovered > plain - 3, `${recovered} dB of ${plain}`);
  t.end();
});

t.test('ReLU6 is left alone, or replaced', (t) => {
  const graph = mobile6();
  const x = normal(SHAPE, 7, 0.3);
  const folded = foldBatchNorm(fuseLayers(graph));
  const kept = equalize(graph);
  t.ok(largestDifference(outputs(graph, x).data, outputs(kept, x).data) < 1e-5);
  t.strictSame(kept.params.get('stem.weight')!.array.data, folded.params.get('stem.weight')!.array.data);
  t.notSame(kept.params.get('fc.weight')!.array.data, folded.params.get('fc.weight')!.array.data);

  const replaced = equalize(graph, { relu6: 'replace' });
  t.notOk(replaced.nodes.some((node) => 'activation' in node && node.activation === 'relu6'));
  t.ok(
    largestDifference(outputs(graph, x).data, outputs(replaced, x).data) < 1e-5,
    'no value was above 6 here',
  );
  t.end();
});

t.test('what other nodes read is left alone, and so are shared weights and channels without any', (t) => {
  const build = new GraphBuilder();
  const layer = { bias: null, batchNorm: null, activation: 'relu' } as const;
  const weight = (values: number[]) => build.param('w', new NDArray(Float32Array.from(values), [2, 2]));
  const x = build.input('x', [1, 2]);
  const w = [weight([1, 2, 0, 0]), weight([4, 1, 8, 2]), weight([1, 16, 1, 1]), weight([1, 2, 4, 8])];
  const a = build.node('a', { op: 'linear', inputs: [x], weight: w[0], ...layer });
  const b = build.node('b', { op: 'linear', inputs: [a], weight: w[1], ...layer });
  const c = build.node('c', { op: 'linear', inputs: [b], weight: w[2], ...layer });
  const d = build.node('d', { op: 'linear', inputs: [c], weight: w[3], ...layer });
  const e = build.node('e', { op: 'linear', inputs: [d], weight: w[3], ...layer });
  const graph = build.finish([e, b], 'free');
  const equal = equalize(graph);
  const values = (id: string): number[] => [...equal.params.get(id)!.array.data];
  const root = Math.sqrt(2 * 8);
  t.same(values(w[0]), [root / 2, root, 0, 0], 'channel 1 has no weights');
  t.same(values(w[1]), [root / 2, 1, root, 2]);
  t.same(values(w[2]), [1, 16, 1, 1], 'b is an output, d and e share their weights');
  t.equal(graph.params.get(w[3]), equal.params.get(w[3]));
  t.end();
});

t.test('the function stays through PReLU, groups, padding, average pooling and a mean', (t) => {
  const build = new GraphBuilder();
  const weights = (shape: number[], seed: number) => build.param('w', normal(shape, seed).value);
  const layer = { batchNorm: null, activation: 'none', dilation: [1, 1], stride: [1, 1] } as const;
  const image = { op: 'conv2d', padding: [1, 1, 1, 1], ...layer } as const;
  const x = build.input('x', [1, 6, 6, 4]);
  const bias = build.param('bias', normal([8], 9).value);
  const a = build.node('a', { ...image, inputs: [x], weight: weights([8, 3, 3, 2], 1), bias, groups: 2 });
  const slope = build.param('slope', normal([8], 2).value);
  const bent = build.node('bent', { op: 'prelu', inputs: [a], slope });
  const pads = [[0, 0], [1, 0], [0, 1], [0, 0]] as const; // prettier-ignore
  const padded = build.node('padded', { op: 'pad', inputs: [bent], pads, value: 0 });
  const b = build.node('b', {
    ...image,
    inputs: [padded],
    weight: weights([4, 3, 3, 2], 3),
    bias: null,
    groups: 4,
  });
  const pooling = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], countIncludePad: true } as const;
  const pooled = build.node('pooled', { op: 'avgPool2d', inputs: [b], ...pooling });
  const averaged = build.node('averaged', { op: 'globalAvgPool', inputs: [pooled], keepdim: false });
  const fc = { weight: weights([3, 4], 4), bias: null, batchNorm: null, activation: 'none' } as const;
  const c = build.node('c', { op: 'linear', inputs: [averaged], ...fc });
  const graph = build.finish([c], 'free');
  const equal = equalize(graph);
  for (const id of ['w', 'w_2', 'w_3'])
    t.notSame(graph.params.get(id)!.array.data, equal.params.get(id)!.array.data, id);
  const input = normal([2, 6, 6, 4], 5);
  const [before, after] = [graph, equal].map((g) => outputs(g, input).data);
  t.ok(largestDifference(before, after) < 1e-5 * Math.max(...Array.from(before, Math.abs)));
  t.end();
});

t.test('absorption takes a bias that no ReLU clips out of the values between', (t) => {
  const build = new GraphBuilder();
  const array = (values: number[], shape: number[]) => new NDArray(Float32Array.from(values), shape);
  const x = build.input('x', [1, 2]);
  const none = { batchNorm: null } as const;
  const first = {
    weight: build.param('w1', array([1, 0, 0, 1], [2, 2])),
    bias: build.param('b1', array([9, 0], [2])),
  };
  const second = { weight: build.param('w2', array([2, 3], [1, 2])), bias: null };
  const a = build.node('a', { op: 'linear', inputs: [x], ...first, ...none, activation: 'relu' });
  const b = build.node('b', { op: 'linear', inputs: [a], ...second, ...none, activation: 'none' });
  const graph = build.finish([b], 'free');
  const data = [normal([4000, 2], 8)];
  const absorbed = absorbBias(graph, data);
  const [b1, b2] = ['b1', 'b.bias'].map((id) => [...absorbed.params.get(id)!.array.data]);
  t.ok(Math.abs(b1[0] - 3) < 0.3, `9 less mean 9 minus 3 deviations of 1: ${b1[0]}`);
  t.equal(b1[1], 0, 'channel 1 is clipped by its ReLU');
  t.ok(Math.abs(b2[0] - 2 * (9 - b1[0])) < 1e-5, `${b2[0]}`);
  const [before, after] = [graph, absorbed].map((g) => outputs(g, data[0]).data);
  const changed = Array.from(before).filter((v, i) => Math.abs(v - after[i]) > 1e-4).length;
  t.ok(changed < 0.004 * before.length, `${changed} of ${before.length} values`);
  t.throws(() => absorbBias(graph, []), { code: 'argument', message: /batches/ });
  t.end();
});

t.test('bad options', async (t) => {
  t.throws(() => equalize(mobile(), { rounds: 0 }), { code: 'argument', message: /rounds/ });
  t.throws(() => equalize(mobile(), { relu6: 'keep' as 'skip' }), { code: 'argument', message: /relu6/ });
});
