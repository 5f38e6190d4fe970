/** Worker threads for the WebAssembly kernels, on the Web Workers of a cross-origin isolated page. */
import { startThreads as startOn, THREAD_PROGRAM, type Spawn } from '../../kernels/threads/index.js';

const PROGRAM = `${THREAD_PROGRAM}
onmessage = ({ data }) => {
  postMessage('ready');
  start(data);
  postMessage('stopped');
  close();
};
`;

/** The part of the DOM that is used here, typed without its library. */
interface Page {
  readonly navigator: { readonly hardwareConcurrency: number };
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  readonly Blob: new (parts: string[], options: { type: string }) => object;
  readonly Worker: new (url: string) => {
    onmessage: ((event: { data: unknown }) => void) | null;
    onerror: ((event: { message?: string }) => void) | null;
    postMessage(data: unknown): void;
  };
}
const page = globalThis as unknown as Page;

const spawn: Spawn = (data) =>
  new Promise((resolve, reject) => {
    const url = page.URL.createObjectURL(new page.Blob([PROGRAM], { type: 'text/javascript' }));
    const worker = new page.Worker(url);
    worker.onerror = ({ message }) => reject(new Error(`startThreads: the worker did not start: ${message}`));
    let stop: () => void;
    const stopped = new Promise<void>((done) => (stop = done));
    worker.onmessage = (event) => {
      if (event.data === 'stopped') return stop();
      page.URL.revokeObjectURL(url);
      resolve({ ended: () => stopped });
    };
    worker.postMessage(data);
  });

/**
 * Runs the kernels on `count` threads, the caller's among them, until the function it resolves to is called. The page must
 * be cross-origin isolated, and allow workers from blob: URLs.
 * @param count default: one for each core
 */
export function startThreads(
  count: number = page.navigator.hardwareConcurrency,
): Promise<() => Promise<void>> {
  return startOn(count, spawn);
}
