/** Random problems of all generators, some dozens each; `npm run fuzz:kernels` draws many more. */
import t from 'tap';
import { wasmFeatures } from '../../../kernels/index.js';
import { Random } from '../../../src/core/index.js';
import { cases } from './cases/index.js';
import { compare, tuned } from './compare.js';

const covered = new Set<string>();
for (const [name, draw] of Object.entries(cases))
  t.test(`${name} equal the reference within their bound, integers bit for bit`, (t) => {
    for (let i = 0; i < 60; i++) {
      const seed = `${name} ${i}`;
      const { failures, kernels } = compare(draw(new Random(seed)));
      kernels.forEach((kernel) => covered.add(kernel));
      for (const failure of failures) t.fail(`seed "${seed}": ${failure}`);
    }
    t.end();
  });

t.test('every WebAssembly kernel was compared', (t) => {
  for (const { name } of tuned)
    if (name.includes('wasm') && (wasmFeatures().relaxedSimd || !name.includes('relaxed')))
      t.ok(covered.has(name), name);
  t.end();
});
