/** Finds and runs the kernel for a set of parameters. */
import { heap } from './memory.js';
import type { Backend, Kernel, Memory, OpName, OpParams } from './types.js';

/** The first kernel of `backend` for `op` that supports `params`. Throws when there is none. */
export function resolve<O extends OpName>(backend: Backend, op: O, params: OpParams[O]): Kernel<O> {
  for (const kernel of backend) {
    if (kernel.op !== op) continue;
    const candidate = kernel as unknown as Kernel<O>;
    if (candidate.supports(params)) return candidate;
  }
  throw new Error(`no kernel of this backend supports ${op} with these parameters`);
}

/** Resolves, prepares and runs once. For repeated calls keep the function that `prepare` returns. */
export function run<O extends OpName>(
  backend: Backend,
  op: O,
  params: OpParams[O],
  memory: Memory = heap,
): void {
  resolve(backend, op, params).prepare(params, memory)();
}
