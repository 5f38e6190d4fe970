/** Every tuned kernel that takes a case, against the reference. Free of tap: the fuzzer and a page use it too. */
import {
  heap,
  memoryOf,
  type Kernel,
  type Memory,
  type MemoryType,
  type OpName,
  type OpParams,
  reference,
  resolve,
  wasm,
} from '../../../kernels/index.js';
import { training, trainingReference } from '../../../kernels/training.js';
import { dtypeOf } from '../../../src/core/index.js';
import { difference, result } from '../js/samples.js';
import type { Case } from './cases/types.js';

const specification = [...reference, ...trainingReference];
export const tuned = training.filter((kernel) => !specification.includes(kernel));

/** What went wrong, or nothing; and the kernels that were compared, with operands on the heap and in the linear memory. */
export function compare({ op, params, output, bound }: Case): { failures: string[]; kernels: string[] } {
  const failures: string[] = [];
  const kernels: string[] = [];
  const want = result(resolve<OpName>(specification, op, params), params, output);
  const memory = memoryOf(wasm);
  memory.scope(() => {
    const places = [
      { where: 'on the heap', params, output, memory: heap },
      { where: 'in the linear memory', ...placed(params, output, memory), memory },
    ];
    for (const candidate of tuned)
      for (const place of places) {
        const kernel = candidate as unknown as Kernel<OpName>;
        if (kernel.op !== op || !kernel.supports(place.params)) continue;
        kernels.push(kernel.name);
        const d = difference(result(kernel, place.params, place.output, place.memory), want);
        if (!(d <= bound))
          failures.push(
            `${kernel.name} differs by ${d} with operands ${place.where} for ${describe(params)}`,
          );
      }
  });
  if (kernels.length === 0) failures.push(`no tuned ${op} takes ${describe(params)}`);
  return { failures, kernels };
}

/** The same parameters with every array in `memory`, at any depth. */
function placed<P extends OpParams[OpName]>(
  params: P,
  output: ArrayLike<number>,
  memory: Memory,
): { params: P; output: ArrayLike<number> } {
  const moved = new Map<unknown, ArrayLike<number>>();
  const move = (v: unknown): unknown => {
    if (ArrayBuffer.isView(v)) {
      if (moved.has(v)) return moved.get(v);
      const from = v as Float32Array;
      const to = memory.allocate(dtypeOf(from) as MemoryType, from.length);
      to.set(from);
      moved.set(from, to);
      return to;
    }
    if (Array.isArray(v)) return v.map(move);
    if (v !== null && typeof v === 'object')
      return Object.fromEntries(Object.entries(v).map(([key, e]) => [key, move(e)]));
    return v;
  };
  const copy = move(params) as P;
  return { params: copy, output: moved.get(output)! };
}

const describe = (params: object): string =>
  JSON.stringify(params, (_, v: unknown) => (ArrayBuffer.isView(v) ? v.constructor.name : v));
