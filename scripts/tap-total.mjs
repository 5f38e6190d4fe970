/**
 * Prints `N passed, M failed` with the number of assertions in the output of a tap run.
 *
 *   node scripts/tap-total.mjs out/ci/test.tap
 */
import console from 'node:console';
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

const path = process.argv[2];
const output = path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : '';
// tap ends with a line such as: # { total: 607, pass: 606, fail: 1, skip: 2 }. A count of zero is left out.
const totals = [...output.matchAll(/^# \{ (total: .*) \}$/gm)].pop()?.[1];
if (totals === undefined) {
  console.log('no test results');
  process.exitCode = 1;
} else {
  const count = (name) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0);
  const others = ['skip', 'todo'].filter((name) => count(name) > 0).map((name) => `, ${count(name)} ${name}`);
  console.log(`${count('pass')} passed, ${count('fail')} failed${others.join('')}`);
  if (count('fail') > 0 || count('pass') === 0) process.exitCode = 1;
}
