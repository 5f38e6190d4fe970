/** The kernels of this library that are measured, by name. */
import {
  js,
  memoryOf,
  reference,
  setWasmOptions,
  wasm,
  wasmFeatures,
  type Backend,
  type Memory,
} from '../../kernels/index.js';
import { setBackend } from '../../src/ops/index.js';

export interface Ours {
  readonly name: OurName;
  readonly backend: Backend;
  /** Where operands are placed: where the kernels reach them without a copy. */
  readonly memory: Memory;
  readonly threads: number;
}

const BACKENDS = { reference, js, wasm, 'wasm 2 threads': wasm } as const;

export type OurName = keyof typeof BACKENDS;
export const OUR_NAMES = Object.keys(BACKENDS) as readonly OurName[];

/** Makes the named kernels those of the process. Throws Error where this engine has none. */
export function select(name: OurName, revectorize: boolean): Ours {
  const backend = BACKENDS[name];
  if (backend === wasm) {
    if (!wasmFeatures().simd) throw new Error('this engine has no WebAssembly with SIMD');
    setWasmOptions({ revectorize });
  }
  if (name === 'wasm 2 threads') throw new Error('there are no threads yet');
  setBackend(backend);
  return { name, backend, memory: memoryOf(backend), threads: 1 };
}
