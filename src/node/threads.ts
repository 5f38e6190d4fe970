/** Worker threads for the WebAssembly kernels, on node:worker_threads. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { startThreads as startOn, THREAD_PROGRAM, type Spawn } from '../../kernels/threads/index.js';

const PROGRAM = `${THREAD_PROGRAM}
const { parentPort, workerData } = require('node:worker_threads');
parentPort.postMessage('ready');
start(workerData);
`;

/** Workers do not keep the process alive: one that ends while they sleep takes them along. */
const spawn: Spawn = (workerData) =>
  new Promise((resolve, reject) => {
    // without the modules that the process preloads: the program imports nothing
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [], workerData });
    const exit = new Promise<void>((done) => worker.once('exit', () => done()));
    worker.once('error', reject);
    worker.once('message', () => {
      worker.unref();
      const ended = (): Promise<void> => {
        worker.ref();
        return exit;
      };
      resolve({ ended });
    });
  });

/**
 * Runs the kernels on `count` threads, the caller's among them, until the function it resolves to is called.
 * @param count default: one for each core
 */
export function startThreads(count: number = availableParallelism()): Promise<() => Promise<void>> {
  return startOn(count, spawn);
}
