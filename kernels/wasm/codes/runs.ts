/**
 * Work on runs: `length` consecutive elements of y, of operands that start at addresses a and b, as rows of a table that
 * is made once. Shapes, strides, windows and broadcasting are thereby settled in JavaScript, and a kernel is the code of
 * one block of lanes. A unit of work is a run; what is longer than {@link CHUNK} is cut.
 */
import { codeMin } from '../../lut.js';
import type { CodeArray, Kernel, Memory, OpName, OpParams } from '../../types.js';
import type { Func, Local, Module, Value } from '../assembler.js';
import { Binding } from '../binding.js';
import { compiledOnce } from '../engine.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import { copy } from '../instructions/memory.js';
import * as v128 from '../instructions/v128.js';
import { checked, type WasmKernel } from '../selfTest.js';

/** Words before the table: constants of the kernel. */
const HEAD_WORDS = 16;
/** The most bytes that a block writes. */
const SCRATCH = 64;
/** An element takes the time of so many operations of a product. */
const WORK = 16;
/** Elements: some microseconds. */
const CHUNK = 4096;

const PARAMS = {
  c: 'i32', // address of the head
  a: 'i32',
  b: 'i32',
  y: 'i32',
  length: 'i32',
  scratch: 'i32',
} as const;
export type RunLocals = { readonly [K in keyof typeof PARAMS]: Local<'i32'> };

/** Bytes from one element to the next of a, b and y; 0 where an operand stays. */
export type Steps = readonly [a: number, b: number, y: number];

/**
 * Exports `run` over runs.
 * @param begin emits what a run starts with; returns what emits a block of `lanes` elements that goes to `to`
 */
export function emitRuns(
  m: Module,
  lanes: number,
  steps: Steps,
  begin: (f: Func, p: RunLocals) => (to: Local<'i32'>) => void,
): void {
  const inner = m.func('', PARAMS, (f, p) => {
    const block = begin(f, p);
    const to = f.local('i32');
    f.repeat(
      p.length,
      () => {
        // nothing may be written beyond a run
        f.set(to, i32.select(p.y, p.scratch, i32.ge(p.length, lanes)));
        block(to);
        f.if(i32.lt(p.length, lanes), () => f.emit(copy(p.y, to, i32.mul(p.length, steps[2]))));
        [p.a, p.b, p.y].forEach((operand, i) => {
          if (steps[i] > 0) f.add(operand, lanes * steps[i]);
        });
      },
      lanes,
    );
  });
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const run = f.local('i32', i32.add(c, i32.shl(begin, 4)));
    f.for(begin, end, 1, () => {
      const [a, b, y, length] = [0, 4, 8, 12].map((o) => i32.load(run, 4 * HEAD_WORDS + o));
      f.call(inner, { c, a, b, y, length, scratch });
      f.add(run, 16);
    });
  });
}

/** Extends the low and the high four of eight int16. */
export const HALVES = [i32x4.extend_low_i16x8_s, i32x4.extend_high_i16x8_s] as const;

/** Eight codes from `address` on as int16; eight times the one there when it stays. */
export function loadCodes(signed: boolean, address: Value<'i32'>, stays = false): Value<'v128'> {
  if (!stays) return (signed ? v128.load8x8_s : v128.load8x8_u)(address);
  const code = v128.load8_splat(address);
  return signed ? i16x8.extend_low_i8x16_s(code) : i16x8.extend_low_i8x16_u(code);
}

export const isSigned = (codes: CodeArray): boolean => codes instanceof Int8Array;

/** What `value` gives for the code of every byte. */
export function byByte(like: CodeArray, value: (code: number) => number): number[] {
  const first = codeMin(like);
  return Array.from({ length: 256 }, (_, i) => value(((i - first) & 255) + first));
}

/** The runs of one call of a kernel. */
export class Runs {
  readonly binding: Binding;
  readonly #rows: number[] = [];
  #elements = 0;

  constructor(memory: Memory) {
    this.binding = new Binding(memory);
  }

  add(steps: Steps, a: number, b: number, y: number, length: number): void {
    this.#elements += length;
    for (let done = 0; done < length; done += CHUNK)
      this.#rows.push(
        a + done * steps[0],
        b + done * steps[1],
        y + done * steps[2],
        Math.min(CHUNK, length - done),
      );
  }

  /**
   * The hot path.
   * @param kind names what `emit` emits
   * @param head constants of the kernel
   */
  finish(kind: string, emit: (m: Module) => void, head: readonly number[]): () => void {
    const { binding } = this;
    const table = binding.allocate('int32', HEAD_WORDS + this.#rows.length);
    table.set(head);
    table.set(this.#rows, HEAD_WORDS);
    const units = this.#rows.length / 4;
    const compiled = compiledOnce(kind, emit);
    return binding.finish(
      binding.call(compiled, 'run', table.byteOffset, units, WORK * this.#elements, SCRATCH),
    );
  }
}

interface RunKernel<O extends OpName, V extends object> {
  readonly op: O;
  /** Types of the operands, for the name. */
  readonly type: string;
  readonly supports?: (p: OpParams[O]) => boolean;
  /** What is compiled in. */
  readonly variant: (p: OpParams[O]) => V;
  readonly emit: (m: Module, variant: V) => void;
  /** Adds the runs, returns the head. */
  readonly plan: (p: OpParams[O], runs: Runs, variant: V) => readonly number[];
  readonly sample: WasmKernel<O>['sample'];
}

/** A kernel on integers that works on runs. */
export function runKernel<O extends OpName, V extends object>(k: RunKernel<O, V>): Kernel<O> {
  return checked<O>({
    op: k.op,
    name: `${k.type}-${k.op}-wasmsimd`,
    bound: 0,
    supports: k.supports ?? (() => true),
    kind: (p) => JSON.stringify(k.variant(p)),
    sample: k.sample,
    prepare: (p, memory) => {
      const runs = new Runs(memory);
      const variant = k.variant(p);
      const head = k.plan(p, runs, variant);
      return runs.finish(k.op + JSON.stringify(variant), (m) => k.emit(m, variant), head);
    },
  }) as unknown as Kernel<O>;
}
