/** A worker thread that runs units, and its other end. */
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { wasm } from '../../kernels/index.js';
import { loadData } from '../../src/cli/data.js';
import { setBackend } from '../../src/ops/index.js';
import { execute } from './execute.js';
import type { Runner } from './runner.js';
import { Store } from './store.js';
import { SUITES } from './suites/index.js';
import type { Result, Unit } from './types.js';

interface Start {
  readonly data: string | null;
  readonly out: string;
}

type Answer = { readonly result: Result } | { readonly error: string };

export class WorkerRunner implements Runner {
  readonly #worker: Worker;

  constructor(start: Start) {
    this.#worker = new Worker(fileURLToPath(import.meta.url), { workerData: start });
  }

  /** Rejects with what the unit threw. */
  run(unit: Unit): Promise<Result> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      const settle = (answer: Answer): void => {
        worker.off('error', reject);
        if ('result' in answer) resolve(answer.result);
        else reject(new Error(answer.error));
      };
      worker.once('error', reject);
      worker.once('message', settle);
      worker.postMessage(unit);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const start = workerData as Start;
  const data = loadData(start.data ?? undefined);
  const store = new Store(start.out, (line) => console.warn(line));
  setBackend(wasm);
  port.on('message', (unit: Unit) => {
    void execute(unit, SUITES, store, data).then(
      (result) => port.postMessage({ result } satisfies Answer),
      (error: unknown) => port.postMessage({ error: (error as Error).message } satisfies Answer),
    );
  });
}
