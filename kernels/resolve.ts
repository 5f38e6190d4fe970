/** Finds and runs the kernel for a set of parameters. */
import { heap, OutOfMemory } from './memory.js';
import type { Backend, Kernel, Memory, OpName, OpParams } from './types.js';

function* candidates<O extends OpName>(backend: Backend, op: O, params: OpParams[O]): Generator<Kernel<O>> {
  for (const kernel of backend) {
    if (kernel.op !== op) continue;
    const candidate = kernel as unknown as Kernel<O>;
    if (candidate.supports(params)) yield candidate;
  }
}

function none(op: OpName): Error {
  return new Error(`no kernel of this backend supports ${op} with these parameters`);
}

/** The first kernel of `backend` for `op` that supports `params`. Throws when there is none. */
export function resolve<O extends OpName>(backend: Backend, op: O, params: OpParams[O]): Kernel<O> {
  for (const kernel of candidates(backend, op, params)) return kernel;
  throw none(op);
}

/** Uses the first kernel that supports `params` and finds room in the linear memory. */
function firstWithRoom<O extends OpName, T>(
  backend: Backend,
  op: O,
  params: OpParams[O],
  use: (kernel: Kernel<O>) => T,
): T {
  for (const kernel of candidates(backend, op, params))
    try {
      return use(kernel);
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
    }
  throw none(op);
}

/** Resolves and prepares: what packs and plans takes its memory from `memory`, which must live as long as the result. */
export function prepare<O extends OpName>(
  backend: Backend,
  op: O,
  params: OpParams[O],
  memory: Memory,
): { readonly kernel: Kernel<O>; readonly run: () => void } {
  return firstWithRoom(backend, op, params, (kernel) => ({ kernel, run: kernel.prepare(params, memory) }));
}

/**
 * Resolves, prepares and runs once; what that took from `memory` is free again afterwards. For repeated calls keep the
 * function that {@link prepare} returns.
 */
export function run<O extends OpName>(
  backend: Backend,
  op: O,
  params: OpParams[O],
  memory: Memory = heap,
): void {
  firstWithRoom(backend, op, params, (kernel) => memory.scope(() => kernel.prepare(params, memory)()));
}
