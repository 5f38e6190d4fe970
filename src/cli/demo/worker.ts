/** A worker thread that runs one job of the demo. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadIdxFolder } from '../../node/index.js';
import { runJob, type JobEvent, type JobInput, type JobResult } from './job.js';

export interface WorkerInput extends JobInput {
  readonly data: string;
}

export type WorkerMessage =
  | { readonly kind: 'event'; readonly event: JobEvent }
  | { readonly kind: 'result'; readonly result: JobResult };

const input = workerData as WorkerInput;
const send = (message: WorkerMessage): void => parentPort?.postMessage(message);
const result = await runJob(input, loadIdxFolder(input.data), (event) => send({ kind: 'event', event }));
send({ kind: 'result', result });
