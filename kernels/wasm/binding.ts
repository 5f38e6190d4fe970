/**
 * From the arrays of a kernel's parameters to addresses, and from a compiled function to the hot path. Arrays in the
 * linear memory are used where they are; others are copied in before and out after each call.
 */
import { ARRAY_TYPES, OutOfMemory } from '../memory.js';
import type { Memory, MemoryArrays, MemoryType } from '../types.js';
import { type Compiled, type Engine, wasmEngine } from './engine.js';

type Operand = MemoryArrays[MemoryType];
/** Units of work below which a second thread costs more than it brings: 2 x multiply-adds, or bytes moved. */
const PARALLEL_WORK = 2 ** 19;

/** Fields of a context: 32-bit words at fixed places, which emitted code reads and the binding writes. */
export interface Layout<N extends string> {
  readonly names: readonly N[];
  readonly offset: Readonly<Record<N, number>>;
}
export function layout<const N extends string>(...names: N[]): Layout<N> {
  return { names, offset: Object.fromEntries(names.map((n, i) => [n, 4 * i])) as Record<N, number> };
}

export class Binding {
  readonly engine: Engine = wasmEngine()!;
  readonly #memory: Memory;
  readonly #before: (() => void)[] = [];
  readonly #after: (() => void)[] = [];

  /** @param memory the engine's own, or any other: then blocks live as long as the hot path */
  constructor(memory: Memory) {
    const own = this.engine.memory;
    this.#memory = own.includes(memory) ? memory : own.ownedBy(this.#before); // which the hot path holds
  }

  /** A block of this memory, zero-filled, for packed operands. */
  allocate<T extends MemoryType>(type: T, length: number): MemoryArrays[T] {
    const array = this.#memory.allocate(type, length);
    if (!this.engine.memory.owns(array)) throw new OutOfMemory(`${length} elements of ${type}`);
    return array;
  }

  /** The address of an array that kernels read anew at each call. */
  read(array: Operand): number {
    return this.#place(array, true, false);
  }

  /** The address of an array that kernels write, all of it. */
  write(array: Operand): number {
    return this.#place(array, false, true);
  }

  /** The address of an array that kernels read and write. */
  update(array: Operand): number {
    return this.#place(array, true, true);
  }

  /** The address of a constant: the values as they are now. */
  constant(type: MemoryType, values: ArrayLike<number>): number {
    const array = this.allocate(type, values.length);
    array.set(values);
    return array.byteOffset;
  }

  /** The address of a context with these fields (int32). */
  context<N extends string>(of: Layout<N>, fields: Readonly<Record<N, number>>): number {
    return this.constant(
      'int32',
      of.names.map((name) => fields[name]),
    );
  }

  /**
   * Runs `name` of `compiled` over [0, units), on several threads when `work` (operations in all) pays for it.
   * @param scratchBytes of each thread
   */
  call(
    compiled: Compiled,
    name: string,
    context: number,
    units: number,
    work: number,
    scratchBytes = 0,
  ): () => void {
    const { engine } = this;
    const f = compiled.exports[name];
    const place = Object.keys(compiled.exports).indexOf(name);
    engine.scratch(scratchBytes); // no room is found out now, while another kernel can still be taken
    return () => {
      const { pool } = engine;
      if (pool === null || units < 2 || work < PARALLEL_WORK)
        f(context, 0, units, engine.scratch(scratchBytes));
      else {
        // four chunks a thread: the last to finish waits for a quarter of a share at most
        const chunk = Math.ceil(units / (4 * pool.threads));
        pool.run(compiled.index, place, context, units, chunk, scratchBytes);
      }
    };
  }

  /** The hot path: copies in, the calls, copies out. */
  finish(...calls: (() => void)[]): () => void {
    const all = [...calls, ...this.#after];
    const before = this.#before;
    return () => {
      for (const f of before) f();
      for (const f of all) f();
    };
  }

  #place(array: Operand, before: boolean, after: boolean): number {
    if (this.engine.memory.owns(array)) return array.byteOffset;
    const [type] = Object.entries(ARRAY_TYPES).find(([, Type]) => array instanceof Type)!;
    const copy = this.allocate(type as MemoryType, array.length);
    if (before) this.#before.push(() => copy.set(array));
    if (after) this.#after.push(() => array.set(copy));
    return copy.byteOffset;
  }
}
