/** `npm run bench`: see docs/bench.md, or --help. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareRuns, parseBenchFile } from './compare.js';
import { HELP, parseOptions } from './options.js';
import { renderPage } from './report/page.js';
import { formatChanges, formatTargets } from './report/table.js';
import { run } from './run.js';
import { evaluate } from './targets.js';

const options = parseOptions(process.argv.slice(2));
if (options.help) console.log(HELP);
else {
  // Read first: a mistake should not show after an hour.
  const { compare } = options;
  const before = compare === null ? null : parseBenchFile(readFileSync(compare, 'utf8'), compare);
  const file = await run(options, console.log);
  const reached = evaluate(file.results);
  const changes = before === null ? [] : compareRuns(file.results, before.results);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'bench.json'), `${JSON.stringify(file, null, 1)}\n`);
  writeFileSync(join(options.out, 'report.html'), await renderPage(file, reached, changes));
  if (file.slower.length > 0) console.log(`\nINT8 slower than FP32\n${list(file.slower)}`);
  if (file.missing.length > 0) console.log(`\nNot measured\n${list(file.missing)}`);
  if (before !== null) console.log(`\n${formatChanges(changes)}`);
  if (reached.some((r) => r.ratio !== null)) console.log(`\n${formatTargets(reached)}`);
  console.log(`\nWrote ${join(options.out, 'bench.json')} and ${join(options.out, 'report.html')}`);
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n');
}
