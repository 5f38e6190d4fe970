/** The part of the WebAssembly JavaScript interface that is used here, typed without the DOM's library. */

export interface LinearMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}
export type CompiledModule = object;
export type Exports = Readonly<Record<string, (...args: number[]) => void>>;

interface WebAssemblyInterface {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared?: boolean }) => LinearMemory;
  readonly Module: new (bytes: Uint8Array) => CompiledModule;
  readonly Instance: new (
    module: CompiledModule,
    imports: { env: { memory: LinearMemory } },
  ) => { readonly exports: Exports };
  validate(bytes: Uint8Array): boolean;
}

/** undefined where the platform has none */
export const webAssembly = (globalThis as { WebAssembly?: WebAssemblyInterface }).WebAssembly;
