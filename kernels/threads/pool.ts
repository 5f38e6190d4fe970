/**
 * Worker threads over the shared linear memory. A call is split into chunks of units; the caller and the workers take the
 * next chunk from one counter until none is left. Nothing is posted: a command is a handful of words and one atomic
 * increment. Threads spin for a while before they sleep (measured on Node 20: fork and join 0.3 us spinning, 50 asleep).
 */
import { OutOfMemory } from '../memory.js';
import { type Engine, type Pool, wasmEngine } from '../wasm/engine.js';
import { COMMAND, CONTROL as C, type ThreadData } from './program.js';

/** A running worker. */
export interface Thread {
  /** Called once, when its program is about to return; resolves when the worker is gone. */
  ended(): Promise<void>;
}
/** Starts a worker that runs `THREAD_PROGRAM` and then `start(data)`; resolves when it is about to. */
export type Spawn = (data: ThreadData) => Promise<Thread>;

const SPINS = 20000;

class ThreadPool implements Pool {
  readonly #control: Int32Array;
  #scratch: Int8Array = new Int8Array(0);

  readonly #engine: Engine;

  constructor(
    engine: Engine,
    readonly threads: number,
  ) {
    this.#engine = engine;
    this.#control = engine.memory.ownedBy(this).allocate('int32', C.words);
  }

  start(spawn: Spawn): Promise<Thread[]> {
    const { memory } = this.#engine.memory;
    const control = this.#control.byteOffset;
    return Promise.all(
      Array.from({ length: this.threads - 1 }, (_, worker) =>
        spawn({ memory, control, worker, spins: SPINS }),
      ),
    );
  }

  add(module: number, bytes: Uint8Array): void {
    const { memory } = this.#engine;
    memory.scope(() => {
      const copy = memory.allocate('uint8', bytes.length);
      copy.set(bytes);
      this.#command({ command: COMMAND.load, module, context: copy.byteOffset, units: bytes.length });
      this.#join();
    });
  }

  run(
    module: number,
    place: number,
    context: number,
    units: number,
    chunk: number,
    scratchBytes: number,
  ): void {
    // rounded up, so that threads do not write to one cache line
    const own = Math.ceil(scratchBytes / 128) * 128;
    this.#ensureScratch(own * (this.threads - 1));
    const c = this.#control;
    c[C.next] = 0;
    this.#command({
      command: COMMAND.run,
      module,
      export: place,
      context,
      units,
      chunk,
      scratch: this.#scratch.byteOffset,
      scratchBytes: own,
    });
    const f = Object.values(this.#engine.compiled[module].exports)[place];
    const scratch = this.#engine.scratch(scratchBytes);
    for (let u = Atomics.add(c, C.next, chunk); u < units; u = Atomics.add(c, C.next, chunk))
      f(context, u, Math.min(u + chunk, units), scratch);
    this.#join();
  }

  end(): void {
    this.#command({ command: COMMAND.end });
    this.#join();
  }

  #ensureScratch(bytes: number): void {
    if (bytes <= this.#scratch.length) return;
    // the smaller one stays until the pool ends: a prepared call may hold no address of it, but its owner does
    const { memory } = this.#engine;
    const larger = memory.ownedBy(this).allocate('int8', bytes);
    if (!memory.owns(larger)) throw new OutOfMemory(`${bytes} bytes of scratch`);
    this.#scratch = larger;
  }

  #command(fields: Partial<Record<keyof typeof C, number>>): void {
    const c = this.#control;
    for (const [name, value] of Object.entries(fields)) c[C[name as keyof typeof C]] = value;
    Atomics.store(c, C.pending, this.threads - 1);
    Atomics.add(c, C.sequence, 1);
    if (Atomics.load(c, C.sleeping) > 0) Atomics.notify(c, C.sequence);
  }

  #join(): void {
    const c = this.#control;
    for (let i = 0; i < SPINS && Atomics.load(c, C.pending) > 0; i++);
    Atomics.store(c, C.joining, 1);
    for (let n = Atomics.load(c, C.pending); n > 0; n = Atomics.load(c, C.pending)) this.#sleep(n);
    Atomics.store(c, C.joining, 0);
    if (Atomics.exchange(c, C.failed, 0) === 1)
      throw new Error('threads: a kernel failed in a worker; its result is incomplete');
  }

  #sleep(pending: number): void {
    try {
      Atomics.wait(this.#control, C.pending, pending);
    } catch {
      // the main thread of a browser may not sleep: it goes on spinning
    }
  }
}

/**
 * Runs the WebAssembly kernels on `count` threads from now on, the caller's among them. Resolves to a function that ends
 * the workers and goes back to one thread.
 *
 * @param spawn starts one worker; `octograd/node` and `octograd/browser` have one each
 * @throws RangeError for a count below 1; Error where threads cannot share memory, or run already
 */
export async function startThreads(count: number, spawn: Spawn): Promise<() => Promise<void>> {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`count: ${count} must be a whole number >= 1`);
  const engine = wasmEngine();
  if (engine?.memory.shared !== true)
    throw new Error(
      'startThreads: no WebAssembly SIMD with SharedArrayBuffer here; a page needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp',
    );
  if (engine.pool !== null) throw new Error('startThreads: threads run already; stop them first');
  if (count === 1) return () => Promise.resolve();
  const pool = new ThreadPool(engine, count);
  const threads = await pool.start(spawn);
  engine.pool = pool;
  let running = true;
  return async () => {
    if (!running) return;
    running = false;
    engine.pool = null;
    pool.end();
    await Promise.all(threads.map((thread) => thread.ended()));
  };
}
