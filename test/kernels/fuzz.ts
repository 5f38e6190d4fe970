/**
 * `npm run fuzz:kernels`: random problems, every tuned kernel that takes them against the reference.
 *
 * --cases N     in all, default 100000
 * --seed S      default 1; case i of generator g is drawn from the seed "S g i", which a failure prints
 * --only TEXT   generators whose name contains TEXT
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/core/index.js';
import { cases } from './wasm/cases/index.js';
import { compare } from './wasm/compare.js';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
});
const names = Object.keys(cases).filter((name) => name.includes(options.only));
const each = Math.ceil(Number(options.cases) / names.length);
const failed: string[] = [];
let compared = 0;
for (const name of names) {
  const counts = new Map<string, number>();
  for (let i = 0; i < each; i++) {
    const seed = `${options.seed} ${name} ${i}`;
    // what prepared calls hold is freed by the garbage collector, which reports between turns of the event loop only
    if (i % 100 === 0) await new Promise(setImmediate);
    const { failures, kernels } = compare(cases[name](new Random(seed)));
    compared += kernels.length;
    for (const kernel of kernels) counts.set(kernel, (counts.get(kernel) ?? 0) + 1);
    for (const failure of failures) {
      failed.push(failure);
      console.error(`seed "${seed}": ${failure}`);
    }
  }
  console.log(`${name}: ${each} cases`);
  for (const [kernel, count] of counts) console.log(`  ${String(count).padStart(7)}  ${kernel}`);
}
console.log(
  `${each * names.length} cases, ${compared} comparisons with the reference, ${failed.length} failures`,
);
process.exitCode = failed.length > 0 || names.length === 0 ? 1 : 0;
