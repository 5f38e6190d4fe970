/** `npm run experiments`: see docs/bench.md, or --help. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../src/core/index.js';
import { packageRoot } from '../../src/cli/paths.js';
import { writeFileAtomic } from '../../src/node/index.js';
import { environment, formatResults, parseResults, type ResultsFile } from './results.js';
import { timeCompression } from './latency.js';
import { FULL, help, parseOptions, QUICK, type Options } from './options.js';
import { renderPage } from './page/page.js';
import { runUnits } from './runner.js';
import { Store } from './store.js';
import { SUITES } from './suites/index.js';
import { WorkerRunner } from './worker.js';

const RESULTS = join(packageRoot(), 'bench', 'accuracy', 'results.json');
const PAGE = join(packageRoot(), 'docs', 'experiments.md');

async function run(options: Options, command: string): Promise<{ file: ResultsFile; complete: boolean }> {
  const sizes = options.quick ? QUICK : FULL;
  const store = new Store(options.out, (line) => console.warn(line));
  const wanted = SUITES.filter(({ name }) => options.suites.includes(name));
  const units = options.seeds.flatMap((seed) => wanted.flatMap((suite) => suite.units(seed, sizes)));
  const runners = Array.from(
    { length: options.workers },
    () => new WorkerRunner({ data: options.data, out: options.out }),
  );
  try {
    const { results, failures } = await runUnits(units, store, runners, console.log);
    for (const failure of failures) console.error(`FAILED  ${failure}`);
    await Promise.all(runners.map((runner) => runner.stop()));
    // when nothing else runs
    const latency = timeCompression(results, store, options.data);
    const { seeds } = options;
    return {
      file: { ...environment(), command, sizes, seeds, latency, results },
      complete: failures.length === 0,
    };
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()));
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const names = SUITES.map(({ name }) => name).filter((name) => name !== 'float');
  const options = parseOptions(args, names);
  if (options.help) {
    console.log(help(names));
    return;
  }
  if (options.page) {
    if (!existsSync(RESULTS)) throw new DataError(`${RESULTS} does not exist; run npm run experiments first`);
    writeFileAtomic(PAGE, await renderPage(parseResults(readFileSync(RESULTS, 'utf8'), RESULTS)));
    console.log(`Wrote ${PAGE}`);
    return;
  }
  const { file, complete } = await run(
    options,
    ['npm run experiments', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
  );
  const text = formatResults(file);
  // the figures of the repository are those of a whole run on its own data
  const whole = !options.quick && complete && options.suites.length === names.length && options.data === null;
  const [results, page] = whole
    ? [RESULTS, PAGE]
    : [join(options.out, 'results.json'), join(options.out, 'experiments.md')];
  writeFileAtomic(results, text);
  writeFileAtomic(page, await renderPage(parseResults(text, results)));
  console.log(`Wrote ${results} and ${page}`);
  if (!complete) process.exitCode = 1;
}

await main();
