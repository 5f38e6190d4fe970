/**
 * What the engine can do at most: loops without loads of the instructions that the kernels are made of (multiply and add;
 * 16-bit dot product and add), and a stream of loads from main memory. Kernels are quoted as a share of it.
 */
import { Module, type Local, type Value } from '../../kernels/wasm/assembler.js';
import * as f32x4 from '../../kernels/wasm/instructions/f32x4.js';
import * as i32x4 from '../../kernels/wasm/instructions/i32x4.js';
import * as v128 from '../../kernels/wasm/instructions/v128.js';
import { webAssembly } from '../../kernels/wasm/platform.js';
import type { Loaded } from '../process/implementation.js';
import type { PeakCase } from '../types.js';

const ROUNDS = 20_000;
/** Larger than the caches. */
const STREAM_BYTES = 64 * 2 ** 20;
const PAGE = 65536;

/**
 * Chains that hide the latency of 3 + 3 cycles at two per cycle. 256-bit code merges neighbours: half as many chains. The
 * factors come from memory, because the optimizer would compute what is constant outside of the loop.
 */
const chains = (revectorize: boolean): number => (revectorize ? 24 : 12);

type Step = (sum: Value<'v128'>, factor: Value<'v128'>, term: Value<'v128'>) => Value<'v128'>;
const STEPS: Readonly<Record<'f32' | 'int8', Step>> = {
  // Tends to term / (1 - factor): no overflow, no denormals.
  f32: (sum, factor, term) => f32x4.add(f32x4.mul(sum, factor), term),
  int8: (sum, factor, term) => i32x4.add(i32x4.dot_i16x8_s(sum, factor), term),
};

function arithmetic(m: Module, step: Step, count: number): void {
  m.func('run', { rounds: 'i32' }, (f, { rounds }) => {
    const factor = f.local('v128', v128.load32_splat(0, 0));
    const term = f.local('v128', v128.load32_splat(0, 4));
    const sums = Array.from({ length: count }, (_, i) => f.local('v128', v128.load(0, 64 + 16 * i)));
    f.repeatAtLeastOnce(rounds, () => {
      for (const sum of sums) f.set(sum, step(sum, factor, term));
    });
    sums.forEach((sum, i) => f.emit(v128.store(0, sum, 64 + 16 * i)));
  });
}

function stream(m: Module): void {
  m.func('run', { bytes: 'i32' }, (f, { bytes }) => {
    const sums: Local<'v128'>[] = f.locals('v128', 4);
    f.for(0, bytes, 16 * sums.length, (at) => {
      sums.forEach((sum, i) => f.set(sum, v128.xor(sum, v128.load(at, 16 * i))));
    });
    sums.forEach((sum, i) => f.emit(v128.store(0, sum, 16 * i)));
  });
}

/** Operations (or bytes) of one run. */
export function probeOps(probe: PeakCase['probe'], revectorize: boolean): number {
  if (probe === 'bandwidth') return STREAM_BYTES;
  return ROUNDS * chains(revectorize) * (probe === 'f32' ? 8 : 16);
}

export function loadProbe({ probe }: PeakCase, revectorize: boolean): Loaded | string {
  if (webAssembly === undefined) return 'this engine has no WebAssembly';
  const m = new Module();
  if (probe === 'bandwidth') stream(m);
  else arithmetic(m, STEPS[probe], chains(revectorize));
  const pages = STREAM_BYTES / PAGE;
  const memory = new webAssembly.Memory({ initial: pages, maximum: pages });
  // Pages that nobody wrote to are all one page, which the caches hold.
  new Uint8Array(memory.buffer).fill(1);
  new Float32Array(memory.buffer, 0, 2).set([0.5, 1]);
  const bytes = m.bytes({ shared: false, maximumPages: pages });
  const { exports } = new webAssembly.Instance(new webAssembly.Module(bytes), { env: { memory } });
  const argument = probe === 'bandwidth' ? STREAM_BYTES : ROUNDS;
  // The first chain: the same for every engine, and not zero.
  const output = (): Float32Array => new Float32Array(memory.buffer.slice(64, 80));
  return { run: () => exports.run(argument), output };
}
