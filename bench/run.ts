/** A whole run: cases, one after the other, in all processes; then what the numbers say. */
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { contenders, engines, startAll, type Started } from './contenders.js';
import { FULL, measureCase, QUICK, type Effort } from './measure.js';
import { matches, type Options } from './options.js';
import { measurePeaks, withPeak } from './peaks.js';
import { formatPeaks, formatResults } from './report/table.js';
import { explain, isSlower, pairs, type Pair } from './slower.js';
import { accuracyCases } from './suites/accuracy.js';
import { convCases } from './suites/conv.js';
import { gemmCases } from './suites/gemm.js';
import { modelCases } from './suites/models.js';
import { trainCases } from './suites/train.js';
import type { BenchFile, Case, Peak, Result } from './types.js';

export type Say = (line: string) => void;

async function* cases({ suites, quick, filters }: Options, say: Say): AsyncGenerator<Case> {
  const wanted = (shape: string): boolean => matches(shape, filters);
  for (const suite of suites) {
    if (suite === 'gemm') yield* gemmCases(quick, wanted);
    else if (suite === 'conv') yield* convCases(quick, wanted);
    else if (suite === 'models') yield* modelCases(quick, wanted);
    else if (suite === 'train') yield* trainCases(wanted);
    else yield* accuracyCases(quick, wanted, say);
  }
}

/** The same integer layer without requantization, in the process that was slower with it. */
async function withoutRequantization(
  c: Case,
  pair: Pair,
  started: readonly Started[],
  effort: Effort,
): Promise<number | null> {
  const one = started.find(
    ({ contender }) => contender.impl === pair.int8.impl && contender.engine?.name === pair.int8.node,
  );
  if (one === undefined || (c.kind !== 'gemm' && c.kind !== 'conv')) return null;
  const { results } = await measureCase({ ...c, sums: true }, [one], effort);
  return results[0]?.median_ms ?? null;
}

async function explainSlower(
  c: Case,
  results: readonly Result[],
  started: readonly Started[],
  effort: Effort,
  peaks: readonly Peak[],
): Promise<string[]> {
  const same = results.filter(
    (r) => r.shape === c.shape && r.suite === c.suite && r.impl.startsWith('octograd'),
  );
  const said: string[] = [];
  for (const pair of pairs(same)) {
    if (pair.int8.dtype !== c.dtype || !isSlower(pair)) continue;
    const sums = await withoutRequantization(c, pair, started, effort);
    said.push(
      explain(
        pair,
        peaks.find((p) => p.node === pair.int8.node),
        sums,
      ),
    );
  }
  return said;
}

export async function run(options: Options, say: Say): Promise<BenchFile> {
  const effort = { ...(options.quick ? QUICK : FULL), cpu: options.cpu };
  const list = contenders(options, engines(options));
  const { started, missing } = await startAll(list.contenders);
  missing.unshift(...list.missing);
  const results: Result[] = [];
  const slower: string[] = [];
  try {
    const peak = await measurePeaks(started, effort);
    say(formatPeaks(peak));
    for await (const c of cases(options, say)) {
      const outcome = await measureCase(c, started, effort);
      missing.push(...outcome.failures);
      if (outcome.results.length === 0) continue;
      const own = outcome.results.map((r) => withPeak(r, peak));
      results.push(...own);
      say(`\n${formatResults(own)}`);
      slower.push(...(await explainSlower(c, results, started, effort, peak)));
    }
    return {
      machine: {
        cpu: cpus()[0].model.trim(),
        cores: cpus().length,
        memory_gb: Math.floor(totalmem() / 2 ** 30),
        os: `${platform()} ${release()} ${arch()}`,
        clock: options.cpu ? 'processor' : 'wall',
      },
      node: process.version,
      date: new Date().toISOString(),
      versions: Object.fromEntries(
        started.map(({ contender, client }) => [contender.impl, client.version] as const),
      ),
      peak,
      results,
      missing,
      slower,
    };
  } finally {
    for (const { client } of started) client.stop();
  }
}
