/** `npm run bench`: see docs/bench.md, or --help. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { contenders, engines, startAll } from './contenders.js';
import { FULL, measureCase, QUICK } from './measure.js';
import { HELP, matches, parseOptions, type Options } from './options.js';
import { measurePeaks, withPeak } from './peaks.js';
import { formatResults } from './report/table.js';
import { convCases } from './suites/conv.js';
import { gemmCases } from './suites/gemm.js';
import { modelCases } from './suites/models.js';
import { trainCases } from './suites/train.js';
import type { BenchFile, Case, Result } from './types.js';

function* cases({ suites, quick, filters }: Options): Generator<Case> {
  const wanted = (shape: string): boolean => matches(shape, filters);
  for (const suite of suites) {
    if (suite === 'gemm') yield* gemmCases(quick, wanted);
    else if (suite === 'conv') yield* convCases(quick, wanted);
    else if (suite === 'models') yield* modelCases(quick, wanted);
    else if (suite === 'train') yield* trainCases(wanted);
  }
}

async function bench(options: Options): Promise<void> {
  const effort = { ...(options.quick ? QUICK : FULL), cpu: options.cpu };
  const list = contenders(options, engines(options));
  const { started, missing } = await startAll(list.contenders);
  missing.push(...list.missing);
  const results: Result[] = [];
  try {
    const peak = await measurePeaks(started, effort);
    for (const p of peak)
      console.log(
        `${p.node}: at most ${p.f32_gops.toFixed(0)} GFLOP/s, ${p.int8_gops.toFixed(0)} GOP/s in int8, ${p.bandwidth.toFixed(1)} GB/s`,
      );
    for (const c of cases(options)) {
      const outcome = await measureCase(c, started, effort);
      missing.push(...outcome.failures);
      if (outcome.results.length === 0) continue;
      const own = outcome.results.map((r) => withPeak(r, peak));
      results.push(...own);
      console.log(`\n${formatResults(own)}`);
    }
    const file: BenchFile = {
      machine: {
        cpu: cpus()[0].model.trim(),
        cores: cpus().length,
        memory_gb: Math.floor(totalmem() / 2 ** 30),
        os: `${platform()} ${release()} ${arch()}`,
        clock: options.cpu ? 'processor' : 'wall',
      },
      node: process.version,
      date: new Date().toISOString(),
      peak,
      results,
      missing,
      slower: [],
    };
    mkdirSync(options.out, { recursive: true });
    writeFileSync(join(options.out, 'bench.json'), `${JSON.stringify(file, null, 1)}\n`);
  } finally {
    for (const { client } of started) client.stop();
  }
  if (missing.length > 0) console.log(`\nNot measured:\n${missing.map((m) => `  ${m}`).join('\n')}`);
}

const options = parseOptions(process.argv.slice(2));
if (options.help) console.log(HELP);
else await bench(options);
