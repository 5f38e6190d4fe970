import t from 'tap';
import { renderReport } from '../../../src/cli/report/index.js';
import { made } from './made.js';

const page = await renderReport(made);
const count = (text: string, what: RegExp): number => [...text.matchAll(what)].length;

t.test('one page with every plot, and nothing to load', (t) => {
  t.match(page, /^<!doctype html>/);
  t.equal(count(page, /<svg /g), 2 + 1 + 4 + 2, 'accuracy per model, size, histograms, two curves');
  t.equal(count(page, /role="img" aria-label="/g), 9, 'each says what it shows');
  t.notMatch(page, /<script|<iframe|<img|@import|url\(|src=/);
  t.same(
    [...page.matchAll(/https?:\/\/[^"\s<]+/g)]
      .map((m) => m[0])
      .filter((u) => !u.startsWith('http://www.w3.org/')),
    [],
    'only XML namespaces look like addresses',
  );
  t.match(page, /prefers-color-scheme: dark/);
  t.match(page, /var\(--c1\)/, 'plots take their colours from the page');
  t.notMatch(page, /NaN|undefined|\[object/);
  t.end();
});

t.test('numbers and captions', (t) => {
  t.match(page, /<td class="n">91.30 %<\/td><td class="n">\+0.07<\/td><td class="n">102.1 KiB<\/td>/);
  t.match(page, /The axis does not begin at zero/);
  t.match(page, /255 codes, 0.0037 apart. No value lies outside the grid./);
  t.match(page, /15 codes, 0.044 apart. About 0.2\d\d % of the values lie outside and are clipped./);
  t.match(page, /<p class="verdict"><strong>All 114,856,024 codes compared are equal/);
  t.end();
});

t.test('text is escaped', (t) => {
  t.match(page, /depthwise-separable &lt;net&gt;/);
  t.notMatch(page, /<net>/);
  t.match(page, /<title>Quantization report: Fashion &amp; MNIST<\/title>/);
  t.end();
});

t.test('codes that differ are marked', async (t) => {
  const exactness = [{ ...made.exactness[0], codes_different: 1 }];
  t.match(
    await renderReport({ ...made, exactness }, null),
    /<p class="verdict bad"><strong>1 of 28,714,008 codes differ/,
  );
});

t.test('without Vega the page says so and keeps its tables', async (t) => {
  const text = await renderReport(made, null);
  t.equal(count(text, /No plots: vega and vega-lite are not installed/g), 1);
  t.equal(count(text, /<svg /g), 0);
  t.equal(count(text, /<table>/g), 2);
});

t.test('parts that were not measured are left out', async (t) => {
  const text = await renderReport({ ...made, exactness: [], variants: [], histograms: [], curves: [] });
  t.same(
    [...text.matchAll(/<h2>(.*?)<\/h2>/g)].map((m) => m[1]),
    ['Variants'],
  );
  t.equal(count(text, /<svg /g), 0);
});
