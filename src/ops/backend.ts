/** The process-wide list of kernels that the ops compute with, and the memory that goes with it. */
import {
  heap,
  linearMemoryOf,
  prepare,
  run,
  wasm,
  type Backend,
  type OpName,
  type OpParams,
  type WasmMemory,
} from '../../kernels/index.js';
import { withTraining } from '../../kernels/training.js';
import { Tensor } from '../autograd/index.js';
import { ArgumentError, NDArray, type DType } from '../core/index.js';
import { scoped, unscoped, type Allocator } from '../core/storage.js';

interface Current {
  readonly backend: Backend;
  /** by op, with the kernels of training; filled as ops are used, and shorter to search than all of them */
  readonly byOp: Map<OpName, Backend>;
  /** undefined until it is needed: importing starts no engine */
  memory: WasmMemory | null | undefined;
}
const use = (next: Backend): Current => ({ backend: next, byOp: new Map(), memory: undefined });
let current = use(wasm);

/** The kernels in use; WebAssembly by default, and plain JavaScript where there is none. */
export function backend(): Backend {
  return current.backend;
}

/** Uses `next` from now on. Returns a function that puts the previous backend back. */
export function setBackend(next: Backend): () => void {
  const previous = current;
  current = use(next);
  return () => {
    current = previous;
  };
}

/** The memory whose arrays the kernels in use take without a copy; null when that is the JavaScript heap. */
function linearMemory(): WasmMemory | null {
  if (current.memory === undefined) current.memory = linearMemoryOf(current.backend);
  return current.memory;
}

/** Runs one kernel once. */
export function compute<O extends OpName>(op: O, params: OpParams[O]): void {
  let kernels = current.byOp.get(op);
  if (kernels === undefined) {
    kernels = withTraining(current.backend).filter((kernel) => kernel.op === op);
    current.byOp.set(op, kernels);
  }
  run(kernels, op, params, linearMemory() ?? undefined);
}

/** A kernel for calls that repeat: what it packs and plans lives as long as `owner`, which the result must not outlive. */
export function prepareFor<O extends OpName>(owner: object, op: O, params: OpParams[O]): () => void {
  return prepare(current.backend, op, params, linearMemory()?.ownedBy(owner) ?? heap).run;
}

/**
 * Runs `f` and frees what was allocated in it: every array that an op makes, `tensor`, `zeros` and the like. It then lives
 * in the memory of the kernels, and a step that repeats uses the same blocks again. What `f` returns is kept (tensors,
 * arrays, and lists, maps and plain objects of them), and so are parameters, gradients of leaves and the state of
 * optimizers and observers. Calls nest: what an inner one returns belongs to the outer one.
 *
 * An array that was freed throws DisposedError when it is used. The typed array behind it (`data`) is a view of memory
 * that is used again: copy what is needed later, with `clone()` or `slice()`.
 *
 * @throws ArgumentError when `f` is asynchronous
 */
export function tidy<T>(f: () => T): T {
  const memory = linearMemory();
  return scoped(memory && allocatorOf(memory, 'take'), f, (result) => {
    if (result instanceof Promise)
      throw new ArgumentError('f: tidy() got an async function; call tidy() around each part between awaits');
    return NDArray.storagesIn(result);
  });
}

/**
 * Runs `f`. Arrays made in it outlive every {@link tidy}, and live in the memory of the kernels as long as anybody holds
 * them: for parameters and other state.
 */
export function persistent<T>(f: () => T): T {
  const memory = linearMemory();
  return unscoped(memory && allocatorOf(memory, 'takeCollected'), f);
}

/** A copy that the open {@link tidy} frees: it brings a batch where the kernels reach it. */
export function local(x: Tensor): Tensor {
  return new Tensor(x.value.astype(x.dtype));
}

function allocatorOf(memory: WasmMemory, take: 'take' | 'takeCollected'): Allocator {
  return {
    allocate: <D extends DType>(dtype: D, length: number, clear: boolean) =>
      memory[take](dtype, length, clear),
    free: (data) => memory.free(data),
  };
}
