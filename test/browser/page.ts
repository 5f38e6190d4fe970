/** What a page runs: the tests that the bundle holds, and the computations that Node repeats. */
import 'octograd-tests';
import { wasmEngine } from '../../kernels/index.js';
import { startThreads } from '../../src/browser/index.js';
import { multiply, runModel, trainModels, type Sums } from './parity.js';
import { finished, results, type Result } from './tap.js';

/** What the page hands to Node. */
export interface Report {
  readonly crossOriginIsolated: boolean;
  readonly sharedMemory: boolean;
  readonly tests: readonly Result[];
  readonly models: Readonly<Record<string, Sums>>;
  readonly training: Sums;
  readonly products: Sums;
  /** The products on two threads, or why there are none. */
  readonly threaded: Sums | string;
  readonly webAssembly: boolean;
}

const page = globalThis as unknown as {
  crossOriginIsolated: boolean;
  report(models: readonly string[]): Promise<Report>;
};

page.report = async (paths) => {
  await finished();
  const models: Record<string, Sums> = {};
  for (const path of paths) models[path] = runModel(new Uint8Array(await (await fetch(path)).arrayBuffer()));
  return {
    crossOriginIsolated: page.crossOriginIsolated,
    sharedMemory: typeof SharedArrayBuffer === 'function',
    tests: results,
    models,
    training: trainModels(),
    products: multiply(),
    threaded: await onTwoThreads(),
    webAssembly: wasmEngine() !== null,
  };
};

async function onTwoThreads(): Promise<Sums | string> {
  try {
    const stop = await startThreads(2);
    const products = multiply();
    await stop();
    return products;
  } catch (error) {
    return String(error);
  }
}
