/** Timing inside a measured process, by tinybench. */
import { Bench } from 'tinybench';

/** A timed call lasts this long at least, so that reading the clock costs nothing beside it. */
const TIMED_MS = 0.2;

export interface SampleOptions {
  /** Milliseconds of the whole sample at least. */
  readonly ms: number;
  /** Processor time of this process instead of wall-clock time: steadier where other processes compete. */
  readonly cpu: boolean;
}

export function clock(cpu: boolean): () => number {
  if (!cpu) return () => performance.now();
  return () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
}

export interface Timed {
  readonly run: () => unknown;
  readonly async: boolean;
  /** How often a short call is repeated within one timed call. */
  readonly repeat: number;
}

export async function calibrate(run: () => unknown): Promise<Timed> {
  let isAsync = false;
  for (let repeat = 1; ; repeat *= 2) {
    const start = performance.now();
    for (let i = 0; i < repeat; i++) {
      const result = run();
      isAsync ||= result instanceof Promise;
      if (isAsync) await result;
    }
    if (performance.now() - start >= TIMED_MS) return { run, async: isAsync, repeat };
  }
}

/** Milliseconds per run: the median over the timed calls of this sample. */
export async function sample(
  { run, async: isAsync, repeat }: Timed,
  options: SampleOptions,
): Promise<number> {
  const bench = new Bench({
    time: options.ms,
    iterations: 1,
    warmup: false,
    now: clock(options.cpu),
    throws: true,
  });
  const fn = isAsync
    ? async () => {
        for (let i = 0; i < repeat; i++) await run();
      }
    : () => {
        for (let i = 0; i < repeat; i++) run();
      };
  bench.add('sample', fn, { async: isAsync });
  const [task] = await bench.run();
  if (task.result.state !== 'completed') throw new Error(`the sample ended as ${task.result.state}`);
  return task.result.latency.p50 / repeat;
}
