/**
 * One case in all processes: loaded and checked, warmed until steady, then timed in rounds in which each takes its turn,
 * so that a disturbance of the machine hits all of them. Only one process computes at any time.
 */
import { check, expected } from './check.js';
import { label, type Started } from './contenders.js';
import { isSteady, median, medianDeviation } from './statistics.js';
import type { Case, Result } from './types.js';

export interface Effort {
  readonly rounds: number;
  /** Milliseconds of a sample at least. */
  readonly sampleMs: number;
  /** Samples of the warm-up at most, and milliseconds after which no further one begins. */
  readonly warmSamples: number;
  readonly warmMs: number;
  /** What takes longer for one run is left out; Infinity: nothing is. */
  readonly slowMs: number;
  readonly cpu: boolean;
}

export const FULL: Omit<Effort, 'cpu'> = {
  rounds: 15,
  sampleMs: 10,
  warmSamples: 60,
  warmMs: 3000,
  slowMs: Infinity,
};
export const QUICK: Omit<Effort, 'cpu'> = {
  rounds: 5,
  sampleMs: 3,
  warmSamples: 20,
  warmMs: 120,
  slowMs: 50,
};

interface Running extends Started {
  readonly verified: boolean;
  readonly note?: string;
  readonly kernel?: string;
  /** Of making ready and running for the first time. */
  readonly loadMs: number;
  readonly samples: number[];
}

export interface Outcome {
  readonly results: Result[];
  /** Who failed, and why. */
  readonly failures: string[];
}

export async function measureCase(c: Case, started: readonly Started[], effort: Effort): Promise<Outcome> {
  const failures: string[] = [];
  const fail = ({ contender }: Started, why: string): void =>
    void failures.push(`${label(contender)}, ${c.shape} ${c.dtype}: ${why}`);
  const want = started.length > 0 ? expected(c) : null;
  let running: Running[] = [];
  for (const one of started) {
    if (one.client.gone) continue;
    try {
      const start = performance.now();
      const reply = await one.client.load(c);
      const loadMs = performance.now() - start;
      if (reply.is === 'failed') fail(one, reply.why);
      if (reply.is !== 'loaded') continue;
      const { kernel } = reply;
      running.push({
        ...one,
        ...check(c, want, reply.output),
        ...(kernel && { kernel }),
        loadMs,
        samples: [],
      });
    } catch (error) {
      fail(one, (error as Error).message);
    }
  }
  /** Runs `f` for each in turn and drops those that fail. */
  const each = async (f: (r: Running) => Promise<boolean>): Promise<void> => {
    const kept: Running[] = [];
    for (const r of running)
      try {
        if (await f(r)) kept.push(r);
      } catch (error) {
        fail(r, (error as Error).message);
      }
    running = kept;
  };
  await each(async (r) => {
    // Where making ready and a first run or two take this long already, the warm-up would only confirm it.
    const slow = r.loadMs > 40 * effort.slowMs || (await warm(r, effort));
    if (slow) fail(r, `a run takes more than ${effort.slowMs} ms: left out by --quick`);
    return !slow;
  });
  for (let round = 0; round < effort.rounds; round++)
    await each(async (r) => {
      r.samples.push(await r.client.sample(effort.sampleMs, effort.cpu));
      return true;
    });
  const results = running.map((r) => resultOf(c, r));
  for (const { client } of started) if (!client.gone) await client.unload();
  return { results, failures };
}

/** Returns whether it is too slow to be measured. */
async function warm({ client }: Started, effort: Effort): Promise<boolean> {
  const start = performance.now();
  const samples: number[] = [];
  while (samples.length < effort.warmSamples && performance.now() - start < effort.warmMs) {
    samples.push(await client.sample(effort.sampleMs, effort.cpu));
    // The first sample may still be interpreted.
    if (samples.length === 2 && Math.min(...samples) > effort.slowMs) return true;
    if (isSteady(samples)) break;
  }
  return false;
}

function resultOf(c: Case, { contender, client, samples, verified, note, kernel }: Running): Result {
  const ms = median(samples);
  return {
    suite: c.suite,
    shape: c.shape,
    dtype: c.dtype,
    impl: contender.impl,
    threads: client.threads,
    node: contender.engine?.name ?? null,
    median_ms: ms,
    mad_ms: medianDeviation(samples),
    gops: c.ops / ms / 1e6,
    peak: null,
    verified,
    ...(note === undefined ? {} : { note }),
    ...(kernel === undefined ? {} : { kernel }),
    rounds: samples.length,
    ops: c.ops,
    bytes: c.bytes,
    ...(c.kind === 'model' && c.top1 !== undefined ? { top1: c.top1 } : {}),
  };
}
