/**
 * The WebAssembly engine of the process: features, options, the linear memory, compiled modules, and how units of work
 * run. It is made at the first use, so that importing has no side effects.
 */
import { OutOfMemory } from '../memory.js';
import { Module } from './assembler.js';
import * as f32x4 from './instructions/f32x4.js';
import * as i16x8 from './instructions/i16x8.js';
import * as v128 from './instructions/v128.js';
import { WasmMemory } from './memory.js';
import { type Exports, webAssembly } from './platform.js';

export interface WasmOptions {
  /**
   * Emit loops that V8 can merge into 256-bit operations. Needs Node 24 or later with the V8 flag
   * `--experimental-wasm-revectorize`, set before the first kernel runs.
   */
  readonly revectorize: boolean;
  /** Fused multiply-add in float kernels, where the engine has relaxed SIMD. Changes float results in the last bits. */
  readonly fma: boolean;
  /** Upper bound of the linear memory in bytes, a multiple of 65536. Read when the memory is made. */
  readonly maximumBytes: number;
}

/** What emitters adapt to. */
export interface Target {
  /** steps of the innermost loops in one iteration: 1 for optimizers that would spill, 4 for newer ones */
  readonly unroll: number;
  readonly revectorize: boolean;
  readonly fma: boolean;
}

/** Splits units of work over threads. */
export interface Pool {
  /** including the caller's */
  readonly threads: number;
  /** Makes module number `module` known to every thread. */
  add(module: number, bytes: Uint8Array): void;
  /** Runs [0, units) in chunks on all threads; returns when all are done. `place` is the function's among the exports. */
  run(
    module: number,
    place: number,
    context: number,
    units: number,
    chunk: number,
    scratchBytes: number,
  ): void;
}

/** Compiled code of one emitter. */
export interface Compiled {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly exports: Exports;
}

const PAGE = 65536;

let options: WasmOptions = { revectorize: false, fma: false, maximumBytes: 4 * 2 ** 30 };
/** Counts changes of the options: what was emitted for other options is emitted anew. */
let generation = 0;

/** Changes some options from now on. Returns a function that puts the previous ones back. */
export function setWasmOptions(change: Partial<WasmOptions>): () => void {
  const previous = options;
  const use = (next: WasmOptions): void => {
    options = next;
    generation++;
  };
  use({ ...options, ...change });
  return () => use(previous);
}

export function wasmOptions(): WasmOptions {
  return options;
}

/** Changes with every change of the options. */
export function optionsGeneration(): number {
  return generation;
}

function validates(build: (m: Module) => void): boolean {
  const m = new Module();
  build(m);
  return webAssembly?.validate(m.bytes({ shared: false, maximumPages: 1 })) ?? false;
}

export interface WasmFeatures {
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
}

/** What the platform's WebAssembly can do. */
export function wasmFeatures(): WasmFeatures {
  const zero = v128.zero();
  const instructions = {
    simd: () => f32x4.add(zero, zero),
    relaxedSimd: () => i16x8.relaxed_dot_i8x16_i7x16_s(f32x4.relaxed_madd(zero, zero, zero), zero),
  };
  const works = (value: keyof typeof instructions): boolean =>
    validates((m) =>
      m.func('', {}, (f) => {
        f.local('v128', instructions[value]());
      }),
    );
  return { simd: works('simd'), relaxedSimd: works('relaxedSimd') };
}

export class Engine {
  readonly features = wasmFeatures();
  readonly memory = new WasmMemory(Math.floor(options.maximumBytes / PAGE));
  /** every module so far; threads that start later get them too */
  readonly compiled: Compiled[] = [];
  #pool: Pool | null = null;
  #scratch: Int8Array = new Int8Array(0);

  get target(): Target {
    return {
      // V8 11 and 12 (Node 20, 22) hoist the loads of an unrolled loop and spill the sums: half the speed at 4.
      // Float16Array came with V8 13.5.
      unroll: 'Float16Array' in globalThis ? 4 : 1,
      revectorize: options.revectorize,
      fma: options.fma && this.features.relaxedSimd,
    };
  }

  get pool(): Pool | null {
    return this.#pool;
  }
  set pool(pool: Pool | null) {
    this.#pool = pool;
    this.compiled.forEach(({ bytes }, i) => pool?.add(i, bytes));
  }

  compile(build: (m: Module, target: Target) => void): Compiled {
    const m = new Module();
    build(m, this.target);
    const { memory, shared, maximumPages } = this.memory;
    const bytes = m.bytes({ shared, maximumPages });
    const { Module: WasmModule, Instance } = webAssembly!;
    const { exports } = new Instance(new WasmModule(bytes), { env: { memory } });
    const compiled = { index: this.compiled.length, bytes, exports };
    this.compiled.push(compiled);
    this.#pool?.add(compiled.index, bytes);
    return compiled;
  }

  /** The address of scratch for the calling thread; what was there before is lost. */
  scratch(bytes: number): number {
    if (bytes > this.#scratch.length) {
      const larger = this.memory.take('int8', bytes);
      if (larger === null) throw new OutOfMemory(`${bytes} bytes of scratch`);
      this.memory.free(this.#scratch);
      this.#scratch = larger;
    }
    return this.#scratch.byteOffset;
  }
}

let engine: Engine | null | undefined;

/** The engine, or null where there is no WebAssembly with SIMD. */
export function wasmEngine(): Engine | null {
  if (engine === undefined) {
    engine = null;
    if (wasmFeatures().simd) engine = new Engine();
  }
  return engine;
}

/** The compiled code of an emitter, for the options of the moment; compiled at the first call. */
export function lazyModule(build: (m: Module, target: Target) => void): () => Compiled {
  let compiled: Compiled;
  let of = -1;
  return () => {
    if (of !== generation) {
      compiled = wasmEngine()!.compile(build);
      of = generation;
    }
    return compiled;
  };
}

const modules = new Map<string, Compiled>();

/** The compiled code that `kind` names, for the options of the moment; compiled at the first call. */
export function compiledOnce(kind: string, build: (m: Module, target: Target) => void): Compiled {
  const key = `${generation} ${kind}`;
  let compiled = modules.get(key);
  if (compiled === undefined) modules.set(key, (compiled = wasmEngine()!.compile(build)));
  return compiled;
}
