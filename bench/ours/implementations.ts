/** The kernels of this library that are measured, by name. */
import * as kernels from '../../kernels/index.js';
import { setBackend } from '../../src/ops/index.js';

const { heap, js, reference } = kernels;

export interface Ours {
  readonly name: string;
  readonly backend: kernels.Backend;
  /** Where operands are placed: where the kernels reach them without a copy. */
  readonly memory: kernels.Memory;
  readonly threads: number;
}

export const OUR_NAMES = ['reference', 'js', 'wasm', 'wasm 2 threads'] as const;
export type OurName = (typeof OUR_NAMES)[number];

/** Makes the named kernels those of the process. Throws where this engine, or this version, has none. */
export function select(name: OurName, revectorize: boolean): Ours {
  if (name === 'reference' || name === 'js') {
    const backend = name === 'js' ? js : reference;
    setBackend(backend);
    return { name, backend, memory: heap, threads: 1 };
  }
  throw new Error(`there are no WebAssembly kernels yet${revectorize ? ' (revectorize)' : ''}`);
}
