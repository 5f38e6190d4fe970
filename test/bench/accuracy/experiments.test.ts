/** The experiments: interrupted runs go on bit for bit, claims are judged both ways, the stress test keeps the function. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { difference, judge, scores } from '../../../bench/accuracy/claims.js';
import { execute } from '../../../bench/accuracy/execute.js';
import { FULL, parseOptions, QUICK } from '../../../bench/accuracy/options.js';
import { renderPage } from '../../../bench/accuracy/page/page.js';
import { relativeDifference, rescaleChannels } from '../../../bench/accuracy/rescale.js';
import { parseResults, formatResults, type Row } from '../../../bench/accuracy/results.js';
import { plan, runUnits, type Runner } from '../../../bench/accuracy/runner.js';
import { keyOf, Store } from '../../../bench/accuracy/store.js';
import { CELLS, floatVariant, integerVariant } from '../../../bench/accuracy/suites/compression.js';
import { SUITES } from '../../../bench/accuracy/suites/index.js';
import { W4A4, W4A8, W8A8, type Result, type Sizes, type Unit } from '../../../bench/accuracy/types.js';
import { mean, standardDeviation } from '../../../bench/statistics.js';
import { noGrad, tensor } from '../../../src/index.js';
import { NDArray, Random } from '../../../src/core/index.js';
import { ArrayDataset } from '../../../src/data/index.js';
import { foldBatchNorm, fuseLayers } from '../../../src/graph/index.js';
import { PlainCnn, ResidualCnn } from '../../../src/models/index.js';
import { GraphModule, trace } from '../../../src/trace/index.js';

const TINY: Sizes = { train: 128, epochs: 1, test: 50, calibration: 64, qat: 64, adaround: 2, finetune: 1 };

function tinyData() {
  const random = new Random(3);
  const images = NDArray.zeros([128, 28, 28, 1], 'uint8');
  images.data.forEach((_, i) => (images.data[i] = random.int(256)));
  const labels = NDArray.zeros([128], 'int32');
  labels.data.forEach((_, i) => (labels.data[i] = i % 10));
  const train = new ArrayDataset(images, labels);
  return { train, test: train.slice(0, 50) };
}

t.test('mean and deviation', (t) => {
  t.equal(mean([1, 2, 6]), 3);
  t.equal(standardDeviation([1, 2, 6]), Math.sqrt(7));
  t.equal(standardDeviation([5]), 0);
  t.end();
});

t.test('a unit is its settings, and those of what it needs', (t) => {
  const units = SUITES.flatMap((suite) => suite.units(1, FULL));
  const all = plan(units);
  const keys = all.map(keyOf);
  t.equal(new Set(keys).size, keys.length, 'each once');
  t.equal(
    all.filter(({ suite }) => suite === 'float').length,
    4,
    'one float training for all variants, a wider one for compression',
  );
  for (const unit of all)
    for (const need of unit.needs) t.ok(keys.indexOf(keyOf(need)) < keys.indexOf(keyOf(unit)));
  const other = plan(SUITES.flatMap((suite) => suite.units(1, { ...FULL, epochs: 1 }))).map(keyOf);
  t.notOk(
    other.some((key) => keys.includes(key)),
    'another float training makes other results',
  );
  t.end();
});

t.test('an interrupted run goes on where it was, with the same bits', async (t) => {
  const data = tinyData();
  const wanted = ['per-channel, AdaRound', 'QAT LSQ'];
  const units = SUITES.flatMap((suite) => suite.units(1, TINY)).filter(
    ({ suite, network, bits, variant }) =>
      suite === 'networks' && network === 'plain' && bits === W4A4 && wanted.includes(variant),
  );
  const said: string[] = [];
  let ran = 0;
  const start = (folder: string, killedAfter = Infinity) => {
    const store = new Store(folder, (line) => said.push(line));
    ran = 0;
    const runner: Runner = {
      run: (unit) => {
        if (ran >= killedAfter) throw new Error('killed');
        ran++;
        return execute(unit, SUITES, store, data);
      },
    };
    return runUnits(units, store, [runner], () => undefined);
  };
  const bits = (results: readonly Result[]): unknown => results.map((r) => ({ ...r, seconds: 0 }));

  const whole = await start(join(t.testdir(), 'whole'));
  t.equal(ran, 3, 'the float training and two variants');
  t.ok(whole.results.every((r) => r.codesDifferent === 0));
  t.ok(whole.results.every((r) => r.unit.bits === null || r.codesCompared > 50_000));

  const folder = join(t.testdirName, 'parts');
  const killed = await start(folder, 2);
  t.equal(killed.results.length, 2);
  t.match(killed.failures, [/killed/]);
  const rest = await start(folder);
  t.equal(ran, 1, 'only what was missing');
  t.strictSame(bits(rest.results), bits(whole.results));

  const models = (): Buffer[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.octo'))
      .map((name) => readFileSync(join(folder, name)));
  const [float] = whole.results;
  const store = new Store(folder, () => undefined);
  const before = models();
  truncateSync(store.modelPath(float.unit), 1000);
  truncateSync(store.resultPath(units[0]), 100);
  const path = store.resultPath(units[1]);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"top1":0', '"top1":1'));
  const repaired = await start(folder);
  t.equal(ran, 3, 'a cut model, a cut result and a changed one');
  t.equal(said.filter((line) => line.includes('damaged, measured again')).length, 3);
  t.strictSame(bits(repaired.results), bits(whole.results));
  t.strictSame(models(), before, 'the model file is the same, too');
});

t.test('what needs a unit that failed is not run, the others are', async (t) => {
  const unit = (variant: string, needs: readonly Unit[] = []): Unit => ({
    ...{ suite: 'x', version: 1, network: 'plain', seed: 1, variant, bits: null, sizes: TINY },
    needs,
  });
  const bad = unit('bad');
  const units = [unit('child', [bad]), unit('good')];
  const runner: Runner = {
    run: (unit) =>
      unit.variant === 'bad'
        ? Promise.reject(new Error('no'))
        : Promise.resolve({ unit, top1: 1, seconds: 1 } as Result),
  };
  const { results, failures } = await runUnits(
    units,
    { read: () => null },
    [runner, runner],
    () => undefined,
  );
  t.strictSame(
    results.map(({ unit }) => unit.variant),
    ['good'],
  );
  t.match(failures, [/bad: no/, /child: not run/]);
});

t.test('rescaled channels: the same function, ranges spread as asked', (t) => {
  const random = new Random(5);
  const x = tensor(
    Float32Array.from({ length: 2 * 784 }, () => random.normal()),
    { shape: [2, 28, 28, 1] },
  );
  for (const model of [new PlainCnn({ width: 4, random }), new ResidualCnn({ width: 4, random })]) {
    const graph = foldBatchNorm(fuseLayers(trace(model.eval(), x)));
    const after = rescaleChannels(graph, 100, new Random(1));
    const run = (g: typeof graph): ArrayLike<number> =>
      noGrad(() => new GraphModule(g).eval().forward(x).data);
    const [want, have] = [run(graph), run(after)];
    t.ok(relativeDifference(want, have) < 1e-4);
    const factors = [...graph.params.values()].flatMap(({ id, array }) => {
      const moved = after.params.get(id)!.array.data;
      return Array.from(array.data, (w, i) => (w === 0 ? 1 : moved[i] / w));
    });
    t.ok(Math.max(...factors) > 9.99 && Math.min(...factors) < 0.101, '0.1 to 10');
  }
  t.ok(relativeDifference([1, 2], [1, 2.1]) > 1e-4, 'a difference shows');
  t.end();
});

const row = (variant: string, seed: number, top1: number, more: Partial<Row> = {}): Row => ({
  ...{ suite: 'networks', network: 'plain', seed, variant, bits: W4A4, top1 },
  ...{ codesCompared: 1000, codesDifferent: 0, bytes: 100, gzip: 90, figures: {}, seconds: 2, ...more },
});

t.test('claims are judged seed by seed, both ways', (t) => {
  const rows = [0.8, 0.85, 0.9].flatMap((base, seed) => [
    row('a', seed, base),
    row('better', seed, base + 0.02 + 0.001 * seed),
    row('noisy', seed, base + [0.05, -0.04, 0.02][seed]),
    row('worse', seed, base - 0.01),
  ]);
  const cell = (variant: string) => ({ suite: 'networks', network: 'plain', variant, bits: W4A4 });
  const verdict = (variant: string): string => judge(difference(rows, cell(variant), cell('a'))!);
  t.equal(verdict('better'), 'yes', 'though the seeds differ by more than the methods');
  t.equal(verdict('noisy'), 'no');
  t.equal(verdict('worse'), 'worse');
  t.equal(judge(difference(rows.slice(0, 4), cell('better'), cell('a'))!), 'no', 'one seed shows nothing');
  t.equal(difference(rows, cell('absent'), cell('a')), null);
  t.equal(scores(rows, { ...cell('a'), bits: W8A8 }).size, 0);
  t.end();
});

t.test('the page says what the rows say', async (t) => {
  const float = { suite: 'float', bits: null, codesCompared: 0 };
  const rows = [1, 2].flatMap((seed) => [
    row('float', seed, 0.9, float),
    row('float, width 12', seed, 0.9, float),
    row('per-tensor', seed, 0.6),
    row('per-channel', seed, 0.7 + 0.01 * seed),
    row('per-channel, bias correction', seed, 0.65),
    ...CELLS.flatMap((cell) => [
      row(floatVariant(cell), seed, 0.9, { suite: 'compression', bits: null, bytes: 60_000 }),
      ...[W8A8, W4A8].map((bits) =>
        row(integerVariant(cell), seed, bits === W8A8 ? 0.895 : 0.85, {
          suite: 'compression',
          bits,
          bytes: 6000,
        }),
      ),
    ]),
  ]);
  const latency = rows
    .filter(({ suite, seed }) => suite === 'compression' && seed === 1)
    .map(({ variant, bits }) => ({ variant, bits, ms: bits === null ? 1 : 0.5 }));
  const file = {
    ...{ node: 'v20.0.0', cpu: 'a cpu', cores: 2, date: '2026-01-02T00:00:00Z' },
    ...{ command: 'npm run experiments', sizes: QUICK, seeds: [1, 2], latency },
    results: rows.map((r) => ({ ...r, unit: { ...r, version: 1, sizes: QUICK, needs: [] } }) as Result),
  };
  const results = parseResults(formatResults(file), 'results.json');
  t.match(results.rows, rows);
  const page = await renderPage(results);
  t.match(page, /per-channel > per-tensor +\| +\*\*yes\*\*, \+11\.50 ± 0\.71/);
  t.match(page, /per-channel, bias correction > per-channel +\| +worse, −6\.50/);
  t.match(page, /\| per-tensor +\| +\| +\| +60\.00 ± 0\.00 \(−30\.00\)/);
  t.match(page, /W8A8: within 1 point of dense float +\| +\*\*yes\*\*/);
  t.match(page, /W4A8: within 1 point of dense float +\| no/);
  t.match(page, /W8A8: at most 1\/6 of its bytes +\| \*\*yes\*\*/);
  t.match(page, /W8A8: faster than dense float +\| \*\*yes\*\* +\| +2\.00x/);
  t.match(page, /\*\*0 different codes of/);
  t.notMatch(page, /## Channels of unequal ranges/, 'not measured');
  const broken = rows.map((r) => (r.variant === 'per-tensor' ? { ...r, codesDifferent: 3 } : r));
  t.match(
    await renderPage({ ...results, rows: broken }),
    /\*\*6 different codes.*They are in: per-tensor\./s,
  );
  t.throws(() => parseResults('{', 'x.json'), /x.json is not JSON/);
  t.throws(() => parseResults('{}', 'x.json'), /x.json has no rows/);
});

t.test('options', (t) => {
  const parse = (...args: string[]) => parseOptions(args, ['networks', 'rescaled']);
  t.match(parse(), { quick: false, seeds: [1, 2, 3, 4, 5], out: 'out/experiments', workers: 2 });
  t.match(parse('--quick'), { seeds: [1], out: 'out/experiments-quick' });
  t.match(parse('--only', 'rescaled', '--seeds', '7,8'), { suites: ['rescaled'], seeds: [7, 8] });
  t.throws(() => parse('--only', 'all'), /--only: 'all' is unknown; use one of networks, rescaled/);
  t.throws(() => parse('--seeds', '1,1'), /--seeds: '1,1'/);
  t.throws(() => parse('--seeds', 'x'), /--seeds: 'x' must be a whole number/);
  t.throws(() => parse('--workers', '0'), /--workers: 0 must be 1 or more/);
  t.throws(() => parse('--nonsense'));
  t.end();
});
