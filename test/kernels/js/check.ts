/** Compares every tuned kernel that takes some parameters with the reference. */
import type { Test } from 'tap';
import { js, type Kernel, type OpName, type OpParams, reference, resolve } from '../../../kernels/index.js';
import { withTraining } from '../../../kernels/training.js';
import { difference, result } from './samples.js';

const specification = withTraining(reference);
/** What the lists hold beyond the reference: a new kernel is compared without a change here. */
export const tuned = withTraining(js).filter((kernel) => !specification.includes(kernel));

/** All tuned kernels of an op that take these parameters: one that is shadowed by a more special one is tested too. */
function candidates<O extends OpName>(op: O, params: OpParams[O]): Kernel<O>[] {
  return tuned
    .filter((kernel) => kernel.op === op)
    .map((kernel) => kernel as unknown as Kernel<O>)
    .filter((kernel) => kernel.supports(params));
}

export const covered = new Set<string>();

/** Fails when a tuned kernel differs by more than `bound` of the largest magnitude, or when none takes `p`. */
export function check<O extends OpName>(
  t: Test,
  op: O,
  p: OpParams[O],
  output: ArrayLike<number>,
  bound: number,
): void {
  const want = result(resolve(specification, op, p), p, output);
  const kernels = candidates(op, p);
  if (kernels.length === 0) t.fail(`no tuned ${op} takes ${describe(p)}`);
  for (const kernel of kernels) {
    covered.add(kernel.name);
    const d = difference(result(kernel, p, output), want);
    if (!(d <= bound)) t.fail(`${kernel.name} differs by ${d} for ${describe(p)}`);
  }
}

const describe = (p: object): string =>
  JSON.stringify(p, (_, v: unknown) => (ArrayBuffer.isView(v) ? v.constructor.name : v));
