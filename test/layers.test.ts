/** The import rules between the folders of src and kernels hold, and the checker notices when they do not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { cycles, folderOf, mentionsOf, violations } from './layers/check.js';
import { ALLOWED } from './layers/rules.js';

const root = fileURLToPath(new URL('..', import.meta.url));

function readSources(): Map<string, string> {
  const sources = new Map<string, string>();
  for (const top of ['kernels', 'src'])
    for (const entry of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
      const path = `${top}/${entry.replaceAll('\\', '/')}`;
      if (path.endsWith('.ts') && !path.endsWith('.d.ts'))
        sources.set(path, readFileSync(join(root, path), 'utf8'));
    }
  return sources;
}

t.test('the sources keep to the rules', (t) => {
  const sources = readSources();
  t.ok(sources.size > 20, `${sources.size} files read`);
  t.same(violations(sources), []);
  t.end();
});

t.test('the rules themselves have no cycle and name only folders they describe', (t) => {
  t.same(cycles(new Map(Object.entries(ALLOWED))), []);
  for (const [folder, allowed] of Object.entries(ALLOWED))
    t.same(
      allowed.filter((f) => ALLOWED[f] === undefined),
      [],
      folder,
    );
  t.end();
});

t.test('each broken rule is reported', (t) => {
  const others: [string, string][] = [
    ['src/core/index.ts', ''],
    ['src/nn/index.ts', ''],
    ['src/ops/index.ts', ''],
    ['src/node/index.ts', ''],
    ['kernels/index.ts', ''],
  ];
  const broken: [string, string, string][] = [
    ['src/core/x.ts', `import { a } from '../nn/index.js';`, 'core may not import nn'],
    ['src/core/x.ts', `import type { A } from '../ops/index.js';`, 'core may not import ops'],
    ['src/core/x.ts', `export * from '../ops/index.js';`, 'core may not import ops'],
    ['src/core/x.ts', `export type { A } from '../ops/index.js';`, 'core may not import ops'],
    ['src/core/x.ts', `import '../../kernels/index.js';`, 'core may not import kernels'],
    ['kernels/js/x.ts', `import { a } from '../../src/core/index.js';`, 'kernels may not import core'],
    ['kernels/x.ts', `const a = await import('../src/core/index.js');`, 'kernels may not import core'],
    ['src/runtime/x.ts', `type A = import('../ops/index.js').A;`, 'runtime may not import ops'],
    ['src/quant/x.ts', `import { a } from '../node/index.js';`, 'quant may not import node'],
    ['src/train/x.ts', `const name = 'x'; import(name);`, 'an import() must name its module'],
    ['src/train/x.ts', 'import(`../node/${name}.js`);', 'an import() must name its module'],
    ['src/data/x.ts', `import { readFileSync } from 'node:fs';`, 'data may not import node:fs of Node'],
    ['src/data/x.ts', `import { readFile } from 'fs/promises';`, 'data may not import fs/promises of Node'],
    ['src/data/x.ts', `import x = require('path');`, 'data may not import path of Node'],
    ['src/nn/x.ts', `import m from 'mathjs';`, 'nn may not import the package mathjs'],
    ['src/nn/x.ts', `import m from '@scope/pack/deep';`, 'nn may not import the package @scope/pack'],
    ['src/formats/x.ts', `export const a = Buffer.from('');`, 'formats may not name Buffer of Node'],
    ['src/formats/x.ts', `export const a = globalThis.process;`, 'formats may not name process of Node'],
    ['src/train/x.ts', `if (process.env.DEBUG) console.log(1);`, 'train may not name process of Node'],
    ['src/train/x.ts', `export const o = { process };`, 'train may not name process of Node'],
    ['src/nn/x.ts', `document.title = '';`, 'nn may not name document of the DOM'],
    ['src/node/x.ts', `export const w: number = window.innerWidth;`, 'node may not name window of the DOM'],
    ['src/nn/x.ts', `import { a } from './missing.js';`, 'imports ./missing.js, which is no source file'],
    ['src/extra/x.ts', '', 'folder extra is not in the rules'],
  ];
  for (const [path, text, message] of broken)
    t.same(violations(new Map([...others, [path, text]])), [`${path}: ${message}`], text || path);
  t.end();
});

t.test('what is allowed is not reported', (t) => {
  const sources = new Map([
    ['kernels/index.ts', `export * from './types.js';`],
    ['kernels/types.ts', ''],
    ['src/core/index.ts', `import alea from 'seedrandom/lib/alea.js'; // import '../nn/index.js'`],
    ['src/ops/index.ts', `import '../core/index.js'; import '../../kernels/index.js';`],
    ['src/formats/x.ts', `export function f(document: string) { return { document, process: 1 }.process; }`],
    [
      'src/formats/y.ts',
      `const text = "import '../nn/index.js'"; export const { document } = JSON.parse(text);`,
    ],
    ['src/node/index.ts', `import fs from 'node:fs'; import '../ops/index.js'; process.exit(0);`],
    ['src/cli/main.ts', `import '../node/index.js'; import '../index.js'; void import('vega');`],
    ['src/index.ts', `export * from './ops/index.js';`],
  ]);
  t.same(violations(sources), []);
  t.end();
});

t.test('cycles between files, of values or types', (t) => {
  const found = violations(
    new Map([
      ['src/nn/a.ts', `import { b } from './b.js';`],
      ['src/nn/b.ts', `import type { C } from './sub/c.js';`],
      ['src/nn/sub/c.ts', `export { a } from '../a.js';`],
      ['src/nn/d.ts', `import './a.js'; import './b.js';`],
    ]),
  );
  t.same(found, ['cycle: src/nn/a.ts -> src/nn/b.ts -> src/nn/sub/c.ts -> src/nn/a.ts']);
  t.same(violations(new Map([['src/nn/a.ts', `import './a.js';`]])), ['cycle: src/nn/a.ts -> src/nn/a.ts']);
  t.end();
});

t.test('the parts of the checker', (t) => {
  t.equal(folderOf('kernels/js/gemm.ts'), 'kernels');
  t.equal(folderOf('src/quant/observers/minmax.ts'), 'quant');
  t.equal(folderOf('src/index.ts'), 'index');
  const { imports, globals } = mentionsOf(
    'x.ts',
    `import a from 'b'; export const c = a.d(window, e => e.process);`,
  );
  t.same(imports, ['b']);
  t.same([...globals], ['window']);
  t.end();
});
