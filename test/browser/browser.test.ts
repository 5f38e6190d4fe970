/** The tests of kernels and runtime in a headless Chromium, and the same bits from a page as from Node. */
import type { BrowserContext } from 'playwright-core';
import t from 'tap';
import { bundle, testFiles } from './bundle.js';
import { withBrowser, withServer } from './chromium.js';
import type { Report } from './page.js';
import { modelFiles, multiply, runModel, trainModels } from './parity.js';
import { finished, results, suite } from './tap.js';

const LIMIT_MS = 110_000;

/** Opens the page and waits for its report. An error that the page does not catch rejects. */
async function reportOf(browser: BrowserContext, url: string, models: readonly string[]): Promise<Report> {
  const page = await browser.newPage();
  const problem = new Promise<never>((_, reject) => {
    page.on('pageerror', reject);
    page.on('crash', () => reject(new Error('the page crashed')));
    setTimeout(() => reject(new Error(`no report after ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
  });
  const report = async (): Promise<Report> => {
    // the limit above is the only one: the page is busy with its tests before it is loaded
    await page.goto(url, { waitUntil: 'commit', timeout: 0 });
    await page.waitForFunction('typeof report === "function"', null, { timeout: 0 });
    return page.evaluate(`report(${JSON.stringify(models)})`);
  };
  try {
    return await Promise.race([report(), problem]);
  } finally {
    await page.close();
  }
}

t.test('kernels and runtime in Chromium, with shared memory and without', async (t) => {
  const files = testFiles(['test/kernels', 'test/runtime']);
  const models = modelFiles();
  const sums = Object.fromEntries([...models].map(([path, bytes]) => [path, runModel(bytes)]));
  const training = trainModels();
  const products = multiply();
  const script = await bundle(files);
  await withServer(script, models, (origin) =>
    withBrowser(async (browser) => {
      for (const path of ['/plain', '/isolated']) {
        const report = await reportOf(browser, origin + path, [...models.keys()]);
        t.equal(report.crossOriginIsolated, path === '/isolated', `${path}: crossOriginIsolated`);
        t.equal(report.sharedMemory, path === '/isolated', `${path}: SharedArrayBuffer`);
        t.same([...new Set(report.tests.map(({ file }) => file))].sort(), files, `${path}: every file ran`);
        for (const { file, title, failures } of report.tests)
          t.equal(failures.length, 0, `${path}: ${file}: ${title}`, { failures });
        t.strictSame(report.models, sums, `${path}: integer models give the bits of Node`);
        t.strictSame(report.training, training, `${path}: training gives the bits of Node`);
        t.strictSame(report.products, products, `${path}: products give the bits of Node`);
        t.ok(report.webAssembly, `${path}: WebAssembly`);
        if (path === '/isolated') t.strictSame(report.threaded, products, 'two threads give the same bits');
        else
          t.match(report.threaded, /Cross-Origin-Opener-Policy/, 'without shared memory threads are refused');
      }
    }),
  );
});

t.test('what stands in for tap fails where tap fails', async (t) => {
  const file = suite('file');
  const failing: Record<string, (t: typeof file) => unknown> = {
    ok: (t) => t.ok(0),
    notOk: (t) => t.notOk(1),
    fail: (t) => t.fail('reason'),
    equal: (t) => t.equal(1, 2),
    not: (t) => t.not(1, 1),
    'same, lists': (t) => t.same([1, [2]], [1, [3]]),
    'same, lengths': (t) => t.same(Int8Array.of(1), Int8Array.of(1, 0)),
    'same, types': (t) => t.strictSame(Int8Array.of(1), [1]),
    'same, maps': (t) => t.same(new Map([[1, { a: 1 }]]), new Map([[1, { a: 2 }]])),
    notSame: (t) => t.notSame([1], [1]),
    'match, another text': (t) => t.match({ a: 1, b: 'text' }, { b: /other/ }),
    'throws nothing': (t) => t.throws(() => undefined),
    'throws, something else': (t) => t.throws(() => JSON.parse('{'), RangeError),
    'throws, another code': (t) => t.throws(() => JSON.parse('{'), { code: 'shape' }),
    doesNotThrow: (t) => t.doesNotThrow(() => JSON.parse('{')),
    'rejects nothing': (t) => t.rejects(Promise.resolve()),
    'an error': () => JSON.parse('{'),
    'a rejection': () => Promise.reject(new Error('no')),
    'a teardown': (t) => t.teardown(() => JSON.parse('{')),
  };
  const passing: typeof failing = {
    same: (t) => t.same({ a: [NaN, Int8Array.of(1)] }, { a: [NaN, Int8Array.of(1)] }),
    match: (t) => t.match({ a: 1, b: 'text' }, { b: 'ex' }),
    throws: (t) => t.throws(() => JSON.parse('{'), SyntaxError),
    rejects: (t) => t.rejects(() => Promise.reject(new Error('no')), { message: /no/ }),
  };
  for (const [title, body] of Object.entries({ ...failing, ...passing })) void file.test(title, body);
  void file.test('nested', async (t) => {
    await t.test('inner', failing.equal);
    t.pass();
  });
  await finished();
  for (const { title, failures } of results) {
    if (title in failing || title === 'nested > inner') t.equal(failures.length, 1, title);
    else t.same(failures, [], title);
  }
  t.equal(results.length, Object.keys({ ...failing, ...passing }).length + 2);
});
