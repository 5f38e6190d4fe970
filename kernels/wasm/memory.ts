/**
 * One linear memory that tensors, packed weights and scratch share, so that kernels reach all of them without copies.
 *
 * Blocks come from free lists of size classes (four per octave): constant time, and a step that repeats reuses the blocks
 * of the step before. The memory grows without detaching anybody's view: it is shared where the platform has
 * SharedArrayBuffer, and of a fixed size elsewhere. When it is exhausted, `allocate` falls back to the JavaScript heap,
 * whose arrays every kernel takes too, with a copy.
 *
 * A block is freed by whoever has it: by the scope it was allocated in ({@link WasmMemory.allocate}), by hand
 * ({@link WasmMemory.take}), with its array ({@link WasmMemory.takeCollected}), or with an object that owns it
 * ({@link WasmMemory.ownedBy}).
 */
import { ARRAY_TYPES, heap } from '../memory.js';
import type { Memory, MemoryArrays, MemoryType } from '../types.js';
import { Module } from './assembler.js';
import { fill } from './instructions/memory.js';
import { type LinearMemory, webAssembly } from './platform.js';

const PAGE = 65536;
/** Kernels may read up to this many bytes past the end of an array. */
const OVERREAD = 64;
/** Without SharedArrayBuffer a memory cannot grow without detaching views: this much address space is taken at once. */
const FIXED_PAGES = [8192, 2048, 512];
const GROWTH_PAGES = 256;

/** Sizes of the classes: 64, 80, 96, 112, 128, 160, ... */
function classSize(index: number): number {
  return 2 ** (6 + (index >> 2)) * (1 + (index & 3) / 4);
}

/** The smallest class that holds `bytes`. */
function classOf(bytes: number): number {
  if (bytes <= 64) return 0;
  const octave = 31 - Math.clz32(bytes - 1);
  return 4 * (octave - 6) + Math.ceil((bytes - 2 ** octave) / 2 ** (octave - 2));
}

interface Block {
  readonly address: number;
  /** its size class */
  readonly index: number;
  /** freed when its array is collected */
  readonly collected: boolean;
}

export class WasmMemory implements Memory {
  readonly memory: LinearMemory;
  readonly shared: boolean;
  readonly maximumPages: number;
  #buffer: ArrayBufferLike;
  readonly #buffers = new WeakSet<object>();
  readonly #free: number[][] = [];
  /** blocks in use, by address */
  readonly #blocks = new Map<number, Block>();
  /** blocks of the open scopes */
  readonly #log: Block[] = [];
  #scopes = 0;
  readonly #clear: (address: number, bytes: number) => void;
  #top = PAGE; // page 0 stays empty: address 0 is nobody's
  #used = 0;
  readonly #registry = new FinalizationRegistry<Block[]>((blocks) => blocks.forEach((b) => this.#release(b)));

  /** @param maximumPages 64 KiB each */
  constructor(maximumPages: number) {
    this.shared = typeof SharedArrayBuffer !== 'undefined';
    if (this.shared) {
      this.maximumPages = maximumPages;
      this.memory = new webAssembly!.Memory({
        initial: Math.min(GROWTH_PAGES, maximumPages),
        maximum: maximumPages,
        shared: true,
      });
    } else {
      [this.memory, this.maximumPages] = fixedMemory(Math.min(maximumPages, FIXED_PAGES[0]));
    }
    this.#buffer = this.memory.buffer;
    this.#buffers.add(this.#buffer);
    this.#clear = this.#compileClear();
  }

  /** Bytes in blocks that are in use, and bytes that the memory has. */
  get usage(): { readonly used: number; readonly reserved: number } {
    return { used: this.#used, reserved: this.#buffer.byteLength };
  }

  /** Does the array lie in this memory? Then its byteOffset is its address. */
  owns(array: ArrayBufferView): boolean {
    return this.#buffers.has(array.buffer);
  }

  /** Belongs to the innermost open scope; outside of any, to the caller until {@link free}. */
  allocate<T extends MemoryType>(type: T, length: number): MemoryArrays[T] {
    return this.allocateInto(this.#scopes > 0 ? this.#log : null, type, length);
  }

  /** @internal as {@link allocate}, logged in `blocks` instead of the open scope */
  allocateInto<T extends MemoryType>(blocks: Block[] | null, type: T, length: number): MemoryArrays[T] {
    return this.#take(type, length, true, false, blocks) ?? heap.allocate(type, length);
  }

  /**
   * The caller's until {@link free}, whatever scope is open.
   * @param clear zero-filled; else it holds whatever the block held before
   * @returns null when the memory is full
   */
  take<T extends MemoryType>(type: T, length: number, clear = false): MemoryArrays[T] | null {
    return this.#take(type, length, clear, false);
  }

  /** As {@link take}, and freed by itself when the array is garbage. Views made from the array do not keep it alive. */
  takeCollected<T extends MemoryType>(type: T, length: number, clear = false): MemoryArrays[T] | null {
    return this.#take(type, length, clear, true);
  }

  free(array: ArrayBufferView): void {
    const block = this.owns(array) ? this.#blocks.get(array.byteOffset) : undefined;
    if (block === undefined) return;
    if (block.collected) this.#registry.unregister(array);
    this.#release(block);
  }

  /** Runs `f`; what is allocated meanwhile, unless it has an owner, is free afterwards. Scopes nest. */
  scope<T>(f: () => T): T {
    const start = this.#log.length;
    this.#scopes++;
    try {
      return f();
    } finally {
      this.#scopes--;
      while (this.#log.length > start) this.#release(this.#log.pop()!);
    }
  }

  /** A memory whose blocks live as long as `owner`, whatever scope is open, or until it is freed as a whole. */
  ownedBy(owner: object): OwnedMemory {
    const blocks: Block[] = [];
    this.#registry.register(owner, blocks);
    return new OwnedMemory(this, blocks);
  }

  /** Is `memory` this one, or a part of it that an object owns? */
  includes(memory: Memory): boolean {
    return memory === this || (memory instanceof OwnedMemory && memory.parent === this);
  }

  /** @internal */
  releaseAll(blocks: Block[]): void {
    for (const block of blocks.splice(0)) this.#release(block);
  }

  /** memory.fill: TypedArray.fill on shared memory takes 0.65 ns an element (Node 20), four times as long per byte. */
  #compileClear(): (address: number, bytes: number) => void {
    const m = new Module();
    m.func('clear', { address: 'i32', bytes: 'i32' }, (f, { address, bytes }) => {
      f.emit(fill(address, 0, bytes));
    });
    const { memory, shared, maximumPages } = this;
    const module = new webAssembly!.Module(m.bytes({ shared, maximumPages }));
    return new webAssembly!.Instance(module, { env: { memory } }).exports.clear;
  }

  /** @param blocks where the block is logged */
  #take<T extends MemoryType>(
    type: T,
    length: number,
    clear: boolean,
    collected: boolean,
    blocks: Block[] | null = null,
  ): MemoryArrays[T] | null {
    let index = classOf(length * ARRAY_TYPES[type].BYTES_PER_ELEMENT);
    let address = this.#free[index]?.pop();
    if (address === undefined) {
      const end = this.#top + classSize(index);
      if (this.#reserve(end + OVERREAD)) {
        address = this.#top;
        this.#top = end;
      } else {
        while (address === undefined && ++index < this.#free.length) address = this.#free[index]?.pop();
        if (address === undefined) return null;
      }
    }
    const block = { address, index, collected };
    this.#blocks.set(address, block);
    this.#used += classSize(index);
    blocks?.push(block);
    const array = new ARRAY_TYPES[type](this.#buffer as ArrayBuffer, address, length);
    if (clear) this.#clear(address, array.byteLength);
    if (collected) this.#registry.register(array, [block], array);
    return array as unknown as MemoryArrays[T];
  }

  #release(block: Block): void {
    if (this.#blocks.get(block.address) !== block) return; // freed before, by hand
    this.#blocks.delete(block.address);
    (this.#free[block.index] ??= []).push(block.address);
    this.#used -= classSize(block.index);
  }

  #reserve(end: number): boolean {
    const have = this.#buffer.byteLength;
    if (end <= have) return true;
    if (!this.shared) return false;
    const pages = Math.ceil((end - have) / PAGE);
    const room = this.maximumPages - have / PAGE;
    if (pages > room) return false;
    try {
      this.memory.grow(Math.min(room, Math.max(pages, GROWTH_PAGES, Math.floor(have / PAGE / 4))));
    } catch {
      return false;
    }
    this.#buffer = this.memory.buffer;
    this.#buffers.add(this.#buffer);
    return true;
  }
}

export class OwnedMemory implements Memory {
  constructor(
    readonly parent: WasmMemory,
    private readonly blocks: Block[],
  ) {}
  allocate<T extends MemoryType>(type: T, length: number): MemoryArrays[T] {
    return this.parent.allocateInto(this.blocks, type, length);
  }
  scope<T>(f: () => T): T {
    return this.parent.scope(f);
  }
  free(): void {
    this.parent.releaseAll(this.blocks);
  }
}

function fixedMemory(pages: number): [LinearMemory, number] {
  for (const size of [pages, ...FIXED_PAGES.filter((p) => p < pages)]) {
    try {
      return [new webAssembly!.Memory({ initial: size, maximum: size }), size];
    } catch {
      // not enough address space: try less
    }
  }
  return [new webAssembly!.Memory({ initial: 64, maximum: 64 }), 64];
}
