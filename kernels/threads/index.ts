/** Threads for the WebAssembly kernels; `octograd/node` and `octograd/browser` say how a worker starts there. */
export { startThreads, type Spawn, type Thread } from './pool.js';
export { THREAD_PROGRAM, type ThreadData } from './program.js';
