/** The kernels of this library that are measured, by name. */
import {
  heap,
  js,
  linearMemoryOf,
  reference,
  setWasmOptions,
  wasm,
  wasmFeatures,
  type Backend,
  type Memory,
} from '../../kernels/index.js';
import { startThreads } from '../../src/node/index.js';
import { setBackend } from '../../src/ops/index.js';

export interface Ours {
  readonly backend: Backend;
  readonly threads: number;
  /** Where the kernels reach operands without a copy; `free` gives everything that was placed there back. */
  readonly place: () => { readonly memory: Memory; readonly free: () => void };
}

const IMPLEMENTATIONS = {
  reference: { backend: reference, threads: 1 },
  js: { backend: js, threads: 1 },
  wasm: { backend: wasm, threads: 1 },
  'wasm 2 threads': { backend: wasm, threads: 2 },
} as const;

export type OurName = keyof typeof IMPLEMENTATIONS;
export const OUR_NAMES = Object.keys(IMPLEMENTATIONS) as readonly OurName[];

/** Makes the named kernels those of the process. Throws Error where this engine has none. */
export async function select(name: OurName, revectorize: boolean): Promise<Ours> {
  const { backend, threads } = IMPLEMENTATIONS[name];
  if (backend === wasm) {
    if (!wasmFeatures().simd) throw new Error('this engine has no WebAssembly with SIMD');
    setWasmOptions({ revectorize });
  }
  if (threads > 1) await startThreads(threads);
  setBackend(backend);
  const linear = linearMemoryOf(backend);
  const place = (): ReturnType<Ours['place']> => {
    if (linear === null) return { memory: heap, free: () => undefined };
    const memory = linear.ownedBy({});
    return { memory, free: () => memory.free() };
  };
  return { backend, threads, place };
}
