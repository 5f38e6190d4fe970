/** The logic of the bench: statistics, checks, comparison, targets, options, the protocol. No peers, no timing. */
import t from 'tap';
import { check, expected } from '../../bench/check.js';
import { compareRuns, parseBenchFile } from '../../bench/compare.js';
import { parseOptions, matches } from '../../bench/options.js';
import { PEERS } from '../../bench/peers/list.js';
import { decode, encode } from '../../bench/process/protocol.js';
import { explain, isSlower, pairs, ratio } from '../../bench/slower.js';
import { isSteady, median, medianDeviation } from '../../bench/statistics.js';
import { convCases } from '../../bench/suites/conv.js';
import { gemmCases } from '../../bench/suites/gemm.js';
import { evaluate, isMet, TARGETS, targetTable } from '../../bench/targets.js';
import { trainCases } from '../../bench/suites/train.js';
import { firstLosses, trainer } from '../../bench/ours/train.js';
import { js } from '../../kernels/index.js';
import { setBackend } from '../../src/ops/index.js';
import { result } from './samples.js';

t.test('median and deviation', (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.equal(medianDeviation([1, 1, 2, 2, 4, 6, 9]), 1);
  t.throws(() => median([]), RangeError);
  t.end();
});

t.test('steady: two windows agree, or the later one is not faster', (t) => {
  t.notOk(isSteady([10, 10, 10, 10, 10]), 'too few');
  t.ok(isSteady([90, 10, 10, 10, 10, 10, 9.9]));
  t.notOk(isSteady([10, 10, 10, 5, 5, 5]), 'still getting faster');
  t.ok(isSteady([5, 5, 5, 9, 9, 9]), 'noise');
  t.end();
});

t.test('a message arrives as it was sent', (t) => {
  const [c] = gemmCases(true, (shape) => shape === 'linear 1x1024x1024');
  const sent = { do: 'load', case: c } as const;
  t.strictSame(decode(encode(sent)), sent);
  for (const output of [
    Float32Array.of(NaN, -0, 1e-40),
    Int32Array.of(-5),
    Int8Array.of(-128),
    Uint8Array.of(255),
  ])
    t.strictSame(decode(encode({ is: 'loaded', output })), { is: 'loaded', output });
  t.end();
});

t.test('integers must be equal, floats within the bound', (t) => {
  const [float, u8] = gemmCases(true, (shape) => shape === 'gemm 128');
  const want = expected(float) as Float32Array;
  t.equal(check(float, want, want).verified, true);
  const scale = Math.max(...want.map(Math.abs));
  const off = (by: number): Float32Array => want.map((v, i) => (i === 7 ? v + by * scale : v));
  t.equal(check(float, want, off(5e-6)).verified, true);
  t.match(check(float, want, off(1e-3)), { verified: false, note: /1\.0e-3/ });
  t.equal(check(float, want, off(NaN)).verified, false, 'NaN is no result');
  t.equal(check(float, want, want.slice(1)).verified, false);

  const codes = expected(u8) as Uint8Array;
  t.ok(codes instanceof Uint8Array);
  t.ok(new Set(codes).size > 100, 'the codes spread');
  t.equal(check(u8, codes, codes).verified, true);
  const wrong = codes.map((v, i) => (i < 2 ? 255 - v : v));
  t.match(check(u8, codes, wrong), { verified: false, note: /^2 of 16384 codes differ/ });
  t.end();
});

t.test('a network in integers gives multiples of its step', (t) => {
  const c = {
    suite: 'models',
    shape: 'x',
    dtype: 'u8s8',
    ops: 1,
    bytes: 1,
    kind: 'model',
    file: new Uint8Array(0),
    x: new Float32Array(0),
    inputShape: [1],
    step: 0.1,
  } as const;
  const want = Float32Array.of(0.1, 0.2, -0.3);
  t.equal(check(c, want, Float32Array.of(0.1 + 1e-8, 0.2, -0.3)).verified, true);
  t.match(check(c, want, Float32Array.of(0.1, 0.3, -0.3)), { note: '1 of 3 codes differ, by up to 1' });
  t.end();
});

t.test('plain JavaScript passes the checks of a convolution and of training', (t) => {
  const restore = setBackend(js);
  t.teardown(restore);
  const [mlp] = trainCases((shape) => shape.includes('MLP'));
  const losses = firstLosses(trainer(mlp));
  t.ok(losses[2] < losses[0], 'it learns');
  t.match(check(mlp, expected(mlp), losses), { verified: true });
  const wrong = losses.map((l) => l * 1.001);
  t.equal(check(mlp, expected(mlp), wrong).verified, false);
  const [, conv] = convCases(false, (shape) => shape === 'conv 3x3 14x14x16-32');
  t.equal(conv.ops, 2 * 14 * 14 * 32 * 9 * 16);
  t.equal(expected(conv)!.length, 14 * 14 * 32);
  t.end();
});

t.test('only changes beyond the noise count', (t) => {
  const before = [result({ median_ms: 10, mad_ms: 0.1 }), result({ shape: 'gone', median_ms: 1 })];
  const change = (ms: number, mad = 0.1): unknown =>
    compareRuns([result({ median_ms: ms, mad_ms: mad })], before).map((c) => [c.speedup, c.significant]);
  t.strictSame(change(5), [[2, true]]);
  t.strictSame(change(10.3), [[10 / 10.3, false]], 'less than 5 %');
  t.strictSame(change(12, 1), [[10 / 12, false]], 'as noisy as large');
  t.strictSame(compareRuns([result({ threads: 2 })], before), [], 'not the same thing');
  t.throws(() => parseBenchFile('{', 'x.json'), /--compare: x.json is not JSON/);
  t.throws(() => parseBenchFile('{}', 'x.json'), /x.json has no results/);
  t.end();
});

t.test('targets: geometric mean of the shapes that both ran, by engine', (t) => {
  const ours = (shape: string, ms: number, node: string) =>
    result({ shape, dtype: 'u8s8', impl: 'octograd wasm', node, median_ms: ms });
  const web = (shape: string, ms: number, node: string) =>
    result({ shape, dtype: 'u8s8', impl: 'onnxruntime-web', node, median_ms: ms });
  const results = [
    ours('gemm 512', 1, 'node 20'),
    ours('gemm 1024', 1, 'node 20'),
    web('gemm 512', 1, 'node 20'),
    web('gemm 1024', 4, 'node 20'),
    ours('gemm 512', 1, 'node 24 revectorize'),
    web('gemm 512', 3, 'node 24'),
    result({
      shape: 'conv 3x3 56x56x64-64',
      dtype: 'u8s8',
      impl: 'onnxruntime-node',
      node: null,
      median_ms: 1,
    }),
    ours('conv 3x3 56x56x64-64', 0.5, 'node 20'),
  ];
  const find = (name: string, engine: string) =>
    evaluate(results).find((r) => r.target.name === name && r.engine === engine)!;
  const gemm = find('INT8 GEMM / onnxruntime-web', 'node 20');
  t.equal(gemm.ratio, 2);
  t.ok(isMet(gemm));
  const wide = find('INT8 GEMM / onnxruntime-web', 'node 24 revectorize');
  t.equal(wide.ratio!.toFixed(6), '3.000000', 'against the peer in the same Node without the flag');
  t.notOk(isMet(wide));
  t.equal(
    find('INT8 conv 3x3 / onnxruntime-node', 'node 20').ratio,
    2,
    'native peers belong to every engine',
  );
  t.equal(find('FP32 GEMM / tfjs-wasm', 'node 20').ratio, null);
  const { engines, rows } = targetTable(evaluate(results));
  t.strictSame(engines, ['node 20', 'node 24', 'node 24 revectorize']);
  t.match(rows[0], [
    'INT8 GEMM / onnxruntime-web',
    '\u2713 2.00 of 1.5',
    /^not measured/,
    '\u2717 3.00 of 4',
  ]);
  const impls = new Set([
    ...PEERS.map((p) => p.name),
    'octograd wasm',
    'octograd wasm 2 threads',
    'octograd js',
  ]);
  for (const { ours, theirs, name } of TARGETS)
    t.ok(impls.has(ours.impl) && impls.has(theirs.impl), `${name} names what is measured`);
  t.end();
});

t.test('INT8 slower than FP32 is found and explained by what was measured', (t) => {
  const float = result({ dtype: 'f32', median_ms: 1, mad_ms: 0.01, ops: 1e7, bytes: 4e6 });
  const int8 = { ...float, dtype: 'u8s8', median_ms: 2, bytes: 1e6 } as const;
  const [pair] = pairs([float, int8, result({ shape: 'lonely' })]);
  t.equal(ratio(pair), 0.5);
  t.ok(isSlower(pair));
  t.notOk(isSlower({ float, int8: { ...int8, median_ms: 1.01 } }), 'noise');
  const peak = { node: 'node 20', f32_gops: 40, int8_gops: 80, bandwidth: 10 };
  const text = explain(pair, peak, 0.5);
  t.match(text, /2\.00 times as long/);
  t.match(text, /requantization takes 75 % of its time/);
  t.match(text, /INT8 is at 6\.3 % of its bound, which is arithmetic/);
  t.match(text, /FP32 is at 40 % of its bound, which is memory/);
  t.notMatch(explain(pair, undefined, 1.9), /requantization|bound/);
  t.end();
});

t.test('the command line', (t) => {
  const options = parseOptions([
    '--suite',
    'gemm,conv',
    '--filter',
    '3x3',
    '--node',
    'a',
    '--node',
    'b',
    '--quick',
  ]);
  t.match(options, {
    suites: ['gemm', 'conv'],
    filters: ['3x3'],
    binaries: ['a', 'b'],
    quick: true,
    compare: null,
  });
  t.notOk(parseOptions([]).suites.includes('accuracy'), 'training for minutes is asked for');
  t.throws(() => parseOptions(['--suite', 'gem']), /--suite: 'gem' is unknown; use one of gemm/);
  t.throws(() => parseOptions(['--fast']), TypeError);
  t.ok(matches('conv 3x3', ['1x1', '3x3']));
  t.ok(matches('anything', []));
  t.notOk(matches('conv 3x3', ['gemm']));
  t.end();
});
