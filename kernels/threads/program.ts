/**
 * What a worker thread runs, as source text: a worker has no imports, so it needs neither a file of its own nor a bundler
 * that knows about workers. Whoever spawns it calls `start(data)`.
 */

/** Places of the control block, in 32-bit words. */
export const CONTROL = {
  /** counts commands; workers wait for it to change */
  sequence: 0,
  /** workers that have not finished the command */
  pending: 1,
  /** workers that sleep until `sequence` changes */
  sleeping: 2,
  /** 1 when the main thread sleeps until `pending` is 0 */
  joining: 3,
  /** set by a worker whose command failed */
  failed: 4,
  command: 5,
  /** the next unit that nobody has taken */
  next: 6,
  module: 7,
  /** place of the function among the module's exports */
  export: 8,
  context: 9,
  units: 10,
  chunk: 11,
  /** address and bytes of each worker's own scratch: scratch + worker * scratchBytes */
  scratch: 12,
  scratchBytes: 13,
  words: 16,
} as const;

/** Commands: run units, compile the module whose bytes lie at `context` (`units` of them), end. */
export const COMMAND = { run: 0, load: 1, end: 2 } as const;

export interface ThreadData {
  readonly memory: unknown;
  /** address of the control block */
  readonly control: number;
  readonly worker: number;
  /** looks at `sequence` before a thread goes to sleep: some 100 microseconds */
  readonly spins: number;
}

const C = CONTROL;

export const THREAD_PROGRAM = `
function start({ memory, control, worker, spins }) {
  const c = new Int32Array(memory.buffer, control, ${C.words});
  const modules = [];
  let seen = 0;
  for (;;) {
    for (let i = 0; i < spins && Atomics.load(c, ${C.sequence}) === seen; i++);
    while (Atomics.load(c, ${C.sequence}) === seen) {
      Atomics.add(c, ${C.sleeping}, 1);
      Atomics.wait(c, ${C.sequence}, seen);
      Atomics.sub(c, ${C.sleeping}, 1);
    }
    seen = Atomics.load(c, ${C.sequence});
    const command = c[${C.command}];
    try {
      if (command === ${COMMAND.load}) {
        const bytes = new Uint8Array(memory.buffer, c[${C.context}] >>> 0, c[${C.units}]).slice();
        const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
        modules[c[${C.module}]] = Object.values(exports);
      } else if (command === ${COMMAND.run}) {
        const f = modules[c[${C.module}]][c[${C.export}]];
        const [context, units, chunk] = [c[${C.context}], c[${C.units}], c[${C.chunk}]];
        const scratch = c[${C.scratch}] + worker * c[${C.scratchBytes}];
        for (let u; (u = Atomics.add(c, ${C.next}, chunk)) < units; ) f(context, u, Math.min(u + chunk, units), scratch);
      }
    } catch (error) {
      Atomics.store(c, ${C.failed}, 1);
    }
    if (Atomics.sub(c, ${C.pending}, 1) === 1 && Atomics.load(c, ${C.joining}) === 1) Atomics.notify(c, ${C.pending});
    if (command === ${COMMAND.end}) return;
  }
}
`;
