/** `octograd demo`: from real pictures to integers, three models, every way of quantizing them, one honest table. */
import { availableParallelism, cpus } from 'node:os';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DataLoader } from '../../data/index.js';
import { RECIPES } from '../../models/index.js';
import { loadIdxFolder, writeFileAtomic } from '../../node/index.js';
import { dataFolder } from '../data.js';
import { dataOption, defineCommand, EXIT, seedOption, type Io } from '../command.js';
import type { JobEvent, JobResult } from '../demo/job.js';
import { FULL, PLAN, QUICK, type Limits, type ModelPlan } from '../demo/plan.js';
import { JobProgress } from '../demo/progress.js';
import { TIMED_IMAGES, timeVariants } from '../demo/timing.js';
import type { WorkerInput, WorkerMessage } from '../demo/worker.js';
import { formatTable, renderReport, type Report, type Variant } from '../report/index.js';

function runInWorker(
  input: WorkerInput,
  signal: AbortSignal,
  onEvent: (e: JobEvent) => void,
): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../demo/worker.js', import.meta.url), { workerData: input });
    const stop = (): void => void worker.terminate();
    signal.addEventListener('abort', stop);
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'event') onEvent(message.event);
      else resolve(message.result);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      signal.removeEventListener('abort', stop);
      reject(new Error(`the ${input.plan.model} job ended with code ${code}`));
    });
  });
}

/** Runs the jobs in order, as many at a time as there are workers; results in the order of the plan. */
async function runJobs(
  plans: readonly ModelPlan[],
  workers: number,
  run: (plan: ModelPlan) => Promise<JobResult>,
): Promise<JobResult[]> {
  const results = new Map<ModelPlan, JobResult>();
  const queue = [...plans];
  const work = async (): Promise<void> => {
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift())
      results.set(plan, await run(plan));
  };
  await Promise.all(Array.from({ length: workers }, work));
  return plans.map((plan) => results.get(plan)!);
}

/** Variants of all models with their times, measured together now that nothing else runs. */
function timed(results: readonly JobResult[], test: ReturnType<typeof loadIdxFolder>['test']): Variant[] {
  return results.flatMap(({ model, variants }) => {
    const { mean, std } = RECIPES[model];
    const [batch] = new DataLoader(test, { mean, std, batchSize: TIMED_IMAGES }).batches();
    const times = timeVariants(
      variants.map((v) => v.file),
      batch.inputs.value,
    );
    return variants.map(({ name, variant, top1, file }, i) => ({
      name,
      model,
      weight_bits: variant?.weightBits ?? 32,
      activation_bits: variant === null ? 32 : 8,
      granularity: variant?.granularity ?? '-',
      method: variant?.method ?? 'float',
      top1,
      bytes: file.length,
      ms_per_image: times[i],
    }));
  });
}

function summary(report: Report, out: string): string[] {
  const different = report.exactness.reduce((n, e) => n + e.codes_different, 0);
  const compared = report.exactness.reduce((n, e) => n + e.codes_compared, 0);
  return [
    formatTable(report),
    '',
    `${compared.toLocaleString('en')} integer codes compared between training and runtime: ${different} different`,
    `report: ${join(out, 'report.html')} and ${join(out, 'report.json')}, models: ${join(out, 'models')}`,
  ];
}

function writeModels(results: readonly JobResult[], out: string): void {
  mkdirSync(join(out, 'models'), { recursive: true });
  for (const { model, variants } of results)
    for (const { name, file } of variants)
      writeFileAtomic(join(out, 'models', `${model}-${name.toLowerCase().replaceAll(' ', '-')}.octo`), file);
}

export const demo = defineCommand({
  name: 'demo',
  summary: 'train three networks on real pictures, quantize them in every way, and compare',
  positionals: [],
  options: {
    ...seedOption,
    ...dataOption,
    out: { kind: 'text', default: 'out', placeholder: 'DIR', help: 'where the report and the models go' },
    quick: { kind: 'flag', help: 'a rehearsal on few images; its numbers mean nothing' },
    workers: { kind: 'integer', min: 1, max: 3, default: 3, help: 'models trained at the same time' },
  },
  async run({ options }, io: Io) {
    const start = performance.now();
    const limits: Limits = options.quick ? QUICK : FULL;
    const data = dataFolder(options.data);
    const { train, test } = loadIdxFolder(data);
    mkdirSync(options.out, { recursive: true });
    const progress = new JobProgress(io, options.quiet);
    const seed = String(options.seed);
    let results: JobResult[];
    const stop = new AbortController();
    io.signal.addEventListener('abort', () => stop.abort());
    try {
      results = await runJobs(PLAN, options.workers, (plan) =>
        runInWorker({ plan, limits, seed, data }, stop.signal, (e) => progress.show(e)),
      );
    } catch (error) {
      stop.abort(); // the other jobs end too
      if (io.signal.aborted) return EXIT.aborted;
      throw error;
    } finally {
      progress.stop();
    }
    const report: Report = {
      dataset: basename(data),
      seed: options.seed,
      train_images: Math.min(train.length, limits.train),
      test_images: Math.min(test.length, limits.test),
      variants: timed(results, test),
      exactness: results.flatMap((r) => r.exactness),
      histograms: results.flatMap((r) => r.histograms),
      curves: results.flatMap((r) => r.curve),
      machine: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores`,
      node: process.version,
      elapsed_s: (performance.now() - start) / 1000,
    };
    writeModels(results, options.out);
    const json = JSON.stringify(report, null, 2);
    writeFileAtomic(join(options.out, 'report.json'), json);
    writeFileAtomic(join(options.out, 'report.html'), await renderReport(report));
    if (options.json === '-') io.stdout(json);
    else {
      if (options.json !== undefined) writeFileAtomic(options.json, json);
      for (const line of summary(report, options.out)) io.stdout(line);
    }
    const different = report.exactness.some((e) => e.codes_different > 0);
    return different ? EXIT.failed : EXIT.ok;
  },
});
