/** `octograd report`: of a float model, of an integer one against it, in every form of output. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LayerReport } from '../../src/analysis/index.js';
import { networkLines, renderNetwork, type NetworkReport } from '../../src/cli/report/network.js';
import { Random } from '../../src/core/index.js';
import { encodeModel, encodeNpy } from '../../src/formats/index.js';
import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '../../src/nn/index.js';
import { trace } from '../../src/trace/index.js';
import { normal } from '../support/models.js';
import { cli, writeSmallData } from './harness.js';

const folder = t.testdir();
const data = writeSmallData(join(folder, 'data'), 64, 32);
const file = (name: string): string => join(folder, name);
const random = new Random(1);
const model = new Sequential(
  new Conv2d(1, 4, 3, { stride: 4, random }),
  new ReLU(),
  new MaxPool2d(7),
  new Flatten(),
  new Linear(4, 10, { random }),
);
const info = { labels: [], normalization: { mean: [0.3], std: [0.3] } };
writeFileSync(file('net.octo'), encodeModel(trace(model, normal([1, 28, 28, 1])), info));

interface Result extends LayerReport {
  readonly html: string;
}
const measured = async (...args: string[]): Promise<Result> => {
  const { code, out, err } = await cli(['report', ...args, '--json', '-']);
  if (code !== 0) throw new Error(err.join('\n'));
  const { layers, html } = JSON.parse(out.join('\n')) as { layers: LayerReport; html: string };
  return { ...layers, html };
};

t.test('a float model: tables, a page, and JSON', async (t) => {
  const args = ['report', file('net.octo'), '--data', data, '--weight-bits', '4', '--json', file('r.json')];
  const { code, out, err } = await cli(args);
  t.equal(code, 0, err.join('\n'));
  const text = out.join('\n');
  t.match(text, /^Against float, on 32 inputs: 4 [\d.]+ dB\.$/m);
  t.match(text, /^value +op +SQNR dB +noise added +range/m);
  t.match(text, /^weights of +SQNR dB/m);
  const { layers } = JSON.parse(readFileSync(file('r.json'), 'utf8')) as { layers: LayerReport };
  t.equal(layers.images, 32);
  t.ok(
    layers.values.every(({ id }) => out.some((line) => line.startsWith(`${id} `))),
    'all values are listed',
  );
  const worst = [...layers.values].sort((a, b) => b.added! - a.added!)[0].id;
  t.match(text, `Most noise is added by ${worst}`);
  const page = readFileSync(file('net-report.html'), 'utf8');
  const drawn = layers.values.flatMap(({ id, weight, moves }) => [
    ...(weight ? [`${id}: weights`] : []),
    ...(moves ? [] : [`${id}: values`]),
  ]);
  for (const title of drawn) t.ok(page.includes(`<h3>${title}</h3>`), title);
  t.equal(page.match(/<svg/g)?.length, drawn.length + 1, 'and the SQNR of all');
  t.notMatch(page, /NaN|undefined|<link rel="style|<script/);
  const without = await renderNetwork(JSON.parse(readFileSync(file('r.json'), 'utf8')) as never, {
    draw: null,
  });
  t.match(without, /vega and vega-lite are not installed/);
});

t.test('sources and fixes, and each tensor alone, where they are asked for', async (t) => {
  const args = ['report', file('net.octo'), '--data', data, '--limit', '8', '--html', file('more.html')];
  const { code, out, err } = await cli([
    ...[...args, '--weight-bits', '3', '--granularity', 'per-tensor', '--json', file('more.json')],
    ...['--attribute', '--sensitivity'],
  ]);
  t.equal(code, 0, err.join('\n'));
  const result = JSON.parse(readFileSync(file('more.json'), 'utf8')) as Required<NetworkReport>;
  const { attribution, sensitivity, layers } = result;
  const output = layers.values.find(({ id }) => id === '4')!;
  t.ok(Math.abs(attribution.sqnr - output.sqnr!) < 1e-6, 'measured on the same inputs');
  const best = [...attribution.layers.flatMap(({ fixes }) => fixes), ...attribution.network].sort(
    (a, b) => b.gain - a.gain,
  )[0];
  const text = out.join('\n');
  const named = `the best is ${best.name}, for ${best.layer ?? 'the whole network'}: +${best.gain.toFixed(1)} dB`;
  t.ok(best.gain > 0.1);
  t.ok(text.includes(named), named);
  t.notOk(
    attribution.network.some(({ name }) => name === 'AdaRound'),
    'it takes long',
  );
  const weights = sensitivity.filter(({ id, kind }) => id === '4' && kind === 'weights');
  t.same(
    weights.map(({ bits }) => bits),
    [2, 3, 4, 5, 6, 7, 8],
  );
  t.ok(weights[6].sqnr > weights[0].sqnr + 20);
  t.type(weights[0].accuracy, 'number', 'the images have labels');
  const row = out.slice(out.findIndex((line) => line.startsWith('weights of') && line.endsWith('8 bits')));
  const cells = weights.map(({ sqnr }) => sqnr.toFixed(1));
  t.match(row.find((line) => line.startsWith('4 '))?.split(/ +/), ['4', '40', ...cells]);
  const page = readFileSync(file('more.html'), 'utf8');
  t.ok(page.includes(named), 'leads the page');
  t.match(page, /aria-label="Error of each value by source"/);
  t.match(page, /<h2>Sensitivity<\/h2>/);
  t.match(page, `style="background:color-mix(in srgb,var(--bad) `);
  t.match(page, /<summary>Accuracy<\/summary>/);
  t.notMatch(page, /NaN|undefined/);
  t.notMatch(await renderNetwork(result, { draw: null }), /<svg/);

  const trained = await cli([...args, '--attribute-adaround', '--json', '-']);
  const { attribution: further, sensitivity: none } = JSON.parse(trained.out.join('\n')) as NetworkReport;
  t.ok(further?.network.some(({ name }) => name === 'AdaRound'));
  t.equal(none, undefined);
});

t.test('the integer model of it, against it: the same numbers; worst first', async (t) => {
  const args = ['--data', data, '--weight-bits', '4'];
  t.equal((await cli(['quantize', file('net.octo'), ...args, '--out', file('q.octo')])).code, 0);
  const html = ['--html', file('page.html')];
  const [float, integer] = [
    await measured(file('net.octo'), ...args, ...html),
    await measured(file('q.octo'), '--float', file('net.octo'), '--data', data, ...html),
  ];
  t.same(integer.values, float.values);
  t.equal(integer.html, file('page.html'));
  t.ok(existsSync(file('page.html')));
  const sorted = await cli([
    ...['report', file('q.octo'), '--float', file('net.octo'), '--data', data],
    ...['--order', 'worst', ...html],
  ]);
  const rows = sorted.out.slice(sorted.out.findIndex((line) => line.startsWith('value ')) + 1);
  const worst = [...float.values].sort((a, b) => b.added! - a.added!)[0].id;
  t.ok(rows[0].startsWith(`${worst} `), rows[0]);
  const page = readFileSync(file('page.html'), 'utf8');
  t.match(page, new RegExp(`Float against quantized, most noise first[^]*?<tbody>\\n<tr><td>${worst}</td>`));
  const foreign = file('foreign.octo');
  const flat = new Sequential(new Flatten(), new Linear(784, 7, { random }));
  writeFileSync(foreign, encodeModel(trace(flat, normal([1, 28, 28, 1])), info));
  for (const words of [['report'], ['explain', '--layer', '4']]) {
    const none = await cli([words[0], file('q.octo'), ...words.slice(1), '--float', foreign, '--data', data]);
    t.equal(none.code, 2);
    t.match(none.err.at(-1), /--float: \S+foreign.octo shares no value with/);
  }
  const other = file('linear.octo');
  writeFileSync(other, encodeModel(trace(new Linear(3, 2), normal([1, 3])), info));
  const wrong = await cli(['report', file('q.octo'), '--float', other]);
  t.equal(wrong.code, 2);
  t.match(wrong.err[0], /--float: \S+linear.octo takes \[3\], and \S+q.octo takes \[28, 28, 1\]/);
});

t.test('long names are cut where that shows, and can be read in full', async (t) => {
  const { out } = await cli([
    'report',
    file('net.octo'),
    '--data',
    data,
    '--html',
    file('names.html'),
    '--json',
    '-',
  ]);
  const result = JSON.parse(out.join('\n')) as NetworkReport;
  const long = 'a/very/long/path/of/a/layer/in/a/network/conv';
  const values = result.layers.values.map((v) => (v.op === 'conv2d' ? { ...v, id: long } : v));
  const renamed = { ...result, layers: { ...result.layers, values } };
  t.ok(networkLines(renamed, 'network').some((line) => line.startsWith('\u2026/conv ')));
  const page = await renderNetwork(renamed, { draw: null });
  t.match(page, `<td title="${long}">\u2026/conv</td>`);
  t.equal([...page.matchAll(/ title="/g)].length, 2, 'in the tables of values and of weights');
});

t.test('what is quantized dynamically is refused, by report and explain alike', async (t) => {
  const words = [
    'quantize',
    file('net.octo'),
    '--data',
    data,
    '--method',
    'dynamic',
    '--out',
    file('dyn.octo'),
  ];
  t.equal((await cli(words)).code, 0);
  for (const more of [['report'], ['explain', '--layer', '4']]) {
    const { code, err } = await cli([more[0], file('dyn.octo'), ...more.slice(1), '--data', data]);
    t.equal(code, 1);
    t.match(err, [/dyn\.octo is quantized dynamically, .*give the float model/]);
  }
});

t.test('inputs from a file: measured on those that set no ranges', async (t) => {
  writeFileSync(file('x.npy'), encodeNpy(normal([8, 28, 28, 1], 9).value));
  const inputs = ['--calibrate', file('x.npy'), '--html', file('x.html')];
  const { images, values } = await measured(file('net.octo'), ...inputs, '--activation-bits', '4');
  t.equal(images, 2);
  t.equal(values[0].values.grid!.bits, 4);
});

t.test('methods that change parameters are measured against those of before', async (t) => {
  const args = [file('net.octo'), '--data', data, '--weight-bits', '3', '--html', file('page.html')];
  const [plain, corrected] = [await measured(...args), await measured(...args, '--correct-bias')];
  const [want, got] = [plain, corrected].map(({ values }) => values.map((v) => [v.values.min, v.values.max]));
  t.same(got, want, 'the ranges of the float network');
  t.not(corrected.values.at(-1)!.sqnr, plain.values.at(-1)!.sqnr);
});

t.test('what does not go together', async (t) => {
  for (const [args, message] of [
    [[file('net.octo'), '--float', file('net.octo')], /--float is for a model that is quantized already/],
    [[file('q.octo')], /--float FILE is missing/],
    [
      [file('net.octo'), '--attribute', '--adaround'],
      /--attribute .* --adaround changes them; leave one out/,
    ],
    [[file('q.octo'), '--float', file('q.octo')], /is no float model/],
    [
      [file('q.octo'), '--float', file('net.octo'), '--weight-bits', '4'],
      /--weight-bits is for float models/,
    ],
    ...['--attribute', '--attribute-adaround', '--sensitivity'].map(
      (word) =>
        [
          [file('q.octo'), '--float', file('net.octo'), word],
          new RegExp(`${word} is for float models; .*q.octo is quantized already: report .*net.octo instead`),
        ] as const,
    ),
  ] as const) {
    const { code, err } = await cli(['report', ...args]);
    t.equal(code, 2);
    t.match(err.join('\n'), message);
  }
});
