/**
 * `npm run fuzz:formats`: damaged files for every reader. Only typed errors may come out, within a second and within
 * four times the file and 64 MB. Each format has a worker, which cannot hang or take memory unnoticed.
 *
 * --cases N     for each format, default 10000
 * --seed S      default 1; what fails is printed with its number, and --from makes it the first again
 * --from N      default 0
 * --only TEXT   formats whose name contains TEXT
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { FORMATS } from './fuzzFormats.js';
import { fileOf, inspect, LIMITS } from './fuzzing.js';

interface Job {
  readonly name: string;
  readonly cases: number;
  readonly from: number;
  readonly seed: string;
  /** Number of the file that is being read. */
  readonly progress: Int32Array;
}
type Report = { readonly failure: string } | { readonly summary: string; readonly failures: number };

/** Far above the time limit: this one is for readers that do not come back at all. */
const HANG_MS = 20_000;
const HOSTILE_BYTES = 4e6;
const MB = 1e6;

function work({ name, cases, from, seed, progress }: Job, report: (r: Report) => void): void {
  const format = FORMATS.find((f) => f.name === name)!;
  const seeds = format.seeds();
  let [accepted, failures, slowest, largest] = [0, 0, 0, 0];
  const check = (what: string, bytes: Uint8Array): void => {
    let finding = inspect(format, bytes);
    // The machine may have been busy: what is slow is slow twice.
    if (finding.milliseconds > LIMITS.milliseconds) finding = inspect(format, bytes);
    if (finding.accepted) accepted++;
    slowest = Math.max(slowest, finding.milliseconds);
    largest = Math.max(largest, finding.bytes);
    if (finding.problem === null) return;
    failures++;
    report({ failure: `${name}, ${what} (${bytes.length} bytes): ${finding.problem}` });
  };
  for (let i = from; i < from + cases; i++) {
    Atomics.store(progress, 0, i);
    check(`file ${i}`, fileOf(format, seeds, seed, i));
  }
  for (const [what, bytes] of format.hostile?.(HOSTILE_BYTES) ?? []) check(what, bytes);
  report({
    failures,
    summary: `${name}: ${cases} files, ${accepted} still readable, ${failures} failures; at most ${slowest.toFixed()} ms and ${(largest / MB).toFixed(1)} MB`,
  });
}

function run(job: Job): Promise<number> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: job,
      // For the largest file 80 MB, and the files and the code.
      resourceLimits: { maxOldGenerationSizeMb: 160, maxYoungGenerationSizeMb: 32 },
    });
    let [last, since] = [-1, performance.now()];
    const watch = setInterval(() => {
      const current = Atomics.load(job.progress, 0);
      if (current !== last) [last, since] = [current, performance.now()];
      else if (performance.now() - since > HANG_MS) end(`hangs`);
    }, 500);
    const end = (problem: string | null, failures = 1): void => {
      clearInterval(watch);
      if (problem !== null) console.error(`${job.name}, file ${job.progress[0]}: ${problem}`);
      void worker.terminate().then(() => {
        resolve(failures);
      });
    };
    worker.on('message', (r: Report) => {
      if ('failure' in r) {
        console.error(r.failure);
        return;
      }
      console.log(r.summary);
      end(null, r.failures);
    });
    worker.on('error', (error) => {
      end(error.message);
    });
  });
}

if (isMainThread) {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values: options } = parseArgs({
    options: { cases: text('10000'), seed: text('1'), from: text('0'), only: text('') },
  });
  const chosen = FORMATS.filter(({ name }) => name.includes(options.only));
  let failures = 0;
  for (const { name } of chosen)
    failures += await run({
      name,
      cases: Number(options.cases),
      from: Number(options.from),
      seed: options.seed,
      progress: new Int32Array(new SharedArrayBuffer(4)),
    });
  process.exitCode = failures > 0 || chosen.length === 0 ? 1 : 0;
} else work(workerData as Job, (r) => parentPort!.postMessage(r));
