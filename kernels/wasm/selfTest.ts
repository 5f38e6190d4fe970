/**
 * Trust in an engine, earned: before compiled code of a new kind runs for a caller, it runs a small problem of that kind,
 * and where the result is not the reference's, the kernel steps aside for the next one of the list, with a warning.
 */
import { heap, OutOfMemory } from '../memory.js';
import { reference } from '../reference/index.js';
import { buildRequantization } from '../requantize.js';
import { resolve } from '../resolve.js';
import type { AnyKernel, Backend, CodeArray, Kernel, OpName, OpParams, Requantization } from '../types.js';
import { optionsGeneration, wasmEngine } from './engine.js';

/** A kernel that can be put to the test. */
export interface WasmKernel<O extends OpName> extends Kernel<O> {
  /** Names the compiled code that these parameters use. */
  kind(params: OpParams[O]): string;
  /** A small problem of the same kind, with every tail, and where its result goes. */
  sample(like: OpParams[O]): { readonly params: OpParams[O]; readonly output: ArrayLike<number> };
  /** Allowed difference relative to the largest value of the reference; 0 for integers. */
  readonly bound: number;
}

interface Verdict {
  readonly kernel: string;
  readonly kind: string;
  readonly passed: boolean;
}

const verdicts = new Map<string, Verdict>();

/** What was tested on this engine so far, and what failed and is therefore not used. */
export function wasmReport(): readonly Verdict[] {
  return [...verdicts.values()];
}

/** The kernel, supporting only what it was seen to compute correctly on this engine, as the specification has it. */
export function checked<O extends OpName>(
  kernel: WasmKernel<O>,
  specification: Backend = reference,
): AnyKernel {
  const supports = (params: OpParams[O]): boolean =>
    wasmEngine() !== null && kernel.supports(params) && passes(kernel, params, specification);
  const tested: Kernel<O> = {
    op: kernel.op,
    name: kernel.name,
    supports,
    prepare: (params, memory) => kernel.prepare(params, memory),
  };
  return tested as unknown as AnyKernel;
}

function passes<O extends OpName>(kernel: WasmKernel<O>, like: OpParams[O], specification: Backend): boolean {
  const kind = kernel.kind(like);
  const key = `${kernel.name} ${kind} ${optionsGeneration()}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) {
    const reason = failure(kernel, like, specification);
    if (reason === NO_ROOM) return false;
    verdict = { kernel: kernel.name, kind, passed: reason === null };
    verdicts.set(key, verdict);
    if (reason !== null)
      (globalThis as { console?: { warn(text: string): void } }).console?.warn(
        `octograd: ${kernel.name} (${kind}) is not used: ${reason} on this engine`,
      );
  }
  return verdict.passed;
}

/** Says nothing of the engine: the kernel is put to the test again when it is asked for the next time. */
const NO_ROOM = 'no room';

/** Why the kernel must not be used, or null. */
function failure<O extends OpName>(
  kernel: WasmKernel<O>,
  like: OpParams[O],
  specification: Backend,
): string | null {
  const { params, output } = kernel.sample(like);
  resolve(specification, kernel.op, params).prepare(params, heap)();
  const want = Array.from(output);
  (output as Float32Array).fill(0);
  try {
    const { memory } = wasmEngine()!;
    memory.scope(() => kernel.prepare(params, memory)());
  } catch (error) {
    return error instanceof OutOfMemory ? NO_ROOM : String(error);
  }
  const scale = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const wrong = want.some((v, i) => !(Math.abs(output[i] - v) <= kernel.bound * scale));
  return wrong ? 'its result differs from the reference' : null;
}

/** Pseudo-random int32, the same at every call (a linear congruential generator: Numerical Recipes). */
function* sequence(): Generator<number, never> {
  for (let state = 1; ;) yield (state = (Math.imul(state, 1664525) + 1013904223) | 0);
}

/** Codes over the whole range of the array type of `like`. */
export function sampleCodes(like: CodeArray | Int32Array, length: number): CodeArray {
  const next = sequence();
  const array = like instanceof Uint8Array ? new Uint8Array(length) : new Int8Array(length);
  return array.map(() => next.next().value >> 24);
}

export function sampleFloats(length: number): Float32Array {
  const next = sequence();
  return new Float32Array(length).map(() => next.next().value / 2 ** 31);
}

/** Requantization of the kind of `like` that spreads sums of about `magnitude` over the codes that `y` holds. */
export function sampleRequantization(
  like: Requantization | null,
  y: ArrayLike<number>,
  channels: number,
  magnitude: number,
): Requantization | null {
  if (like === null) return null;
  // not the middle of the clamp of `like`, which may leave a few codes only
  const middle = y instanceof Uint8Array ? 128 : 0;
  return buildRequantization(like, {
    inputScale: 100,
    weightScale: sampleFloats(channels).map((v) => 1 + v / 3),
    outputScale: magnitude,
    zeroPoint: middle + 3,
    min: middle - 100,
    max: middle + 100,
  });
}
