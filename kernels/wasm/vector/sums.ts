/**
 * `sums` for float32, in double precision. Rows are laid end to end as patterns, whose length is a multiple of the channels
 * and of 8; a unit of work is a block of patterns, 8 columns at a time in registers. Blocks are of one size, whoever computes
 * them, and are added in their order, so that the sums do not depend on threads.
 */
import type { SumFunction } from '../../types.js';
import { addSums, RESULTS, sums as reference } from '../../reference/training/sums.js';
import type { Local, Module, Value } from '../assembler.js';
import { Binding } from '../binding.js';
import { compiledOnce } from '../engine.js';
import * as f64x2 from '../instructions/f64x2.js';
import * as i32 from '../instructions/i32.js';
import { copy } from '../instructions/memory.js';
import * as v128 from '../instructions/v128.js';
import { checked, sampleFloats, type WasmKernel } from '../selfTest.js';
import { pays, patternLength } from './arrays.js';

/** Columns of one walk over a block. */
const COLUMNS = 8;
/** Patterns of a block. */
const PATTERNS = 128;

type Vector = Value<'v128'>;
interface Term {
  readonly operands: number;
  readonly shifted: boolean;
  /** What is added to each sum, from operands and p. */
  emit(x: readonly Local<'v128'>[], p: Vector, keep: (v: Vector) => Local<'v128'>): Vector[];
  /** How each joins its sum, where not by addition: the sum then starts from the first row. */
  readonly join?: readonly ((a: Vector, b: Vector) => Vector)[];
}

const TERMS: Readonly<Record<SumFunction, Term>> = {
  sum: { operands: 1, shifted: false, emit: ([x]) => [x] },
  moments: {
    operands: 1,
    shifted: true,
    emit: ([x], p, keep) => {
      const d = keep(f64x2.sub(x, p));
      return [d, f64x2.mul(d, d)];
    },
  },
  products: { operands: 2, shifted: true, emit: ([g, x], p) => [g, f64x2.mul(g, f64x2.sub(x, p))] },
  range: { operands: 1, shifted: false, emit: ([x]) => [x, x], join: [f64x2.min, f64x2.max] },
};
const resultsOf = (fn: SumFunction): number => RESULTS[fn].length;

/** Context: bytes of an outer index of x, of a pattern of x, of a row of p; patterns of an outer index, its blocks; addresses. */
const WORDS = ['outer', 'pattern', 'row', 'patterns', 'blocks', 'partial', 'p', 'x', 'x2'] as const;

function emitSums(m: Module, fn: SumFunction): void {
  const { operands, shifted, emit, join } = TERMS[fn];
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const [outer, pattern, row, patterns, blocks, partial, p, ...x] = WORDS.map((_, i) =>
      f.local('i32', i32.load(c, 4 * i)),
    );
    const results = resultsOf(fn);
    const sums = Array.from({ length: results }, () => f.locals('v128', COLUMNS / 2));
    const [o, block, rows, count, to] = f.locals('i32', 5);
    const at = x.slice(0, operands).map(() => f.local('i32'));
    f.for(begin, end, 1, (unit) => {
      f.set(o, i32.div(unit, blocks));
      f.set(block, i32.mul(i32.rem(unit, blocks), PATTERNS));
      f.set(rows, i32.min(PATTERNS, i32.sub(patterns, block)));
      f.set(to, i32.add(partial, i32.mul(unit, i32.mul(pattern, 2 * results))));
      if (shifted)
        f.for(0, i32.shl(pattern, 1), row, (i) => {
          f.emit(copy(i32.add(scratch, i), i32.add(p, i32.mul(o, row)), row));
        });
      f.for(0, pattern, 4 * COLUMNS, (column) => {
        const start = i32.add(i32.add(i32.mul(o, outer), i32.mul(block, pattern)), column);
        at.forEach((a, k) => f.set(a, i32.add(x[k], start)));
        const load = (a: Local<'i32'>, i: number): Vector =>
          f64x2.promote_low_f32x4(v128.load64_zero(a, 8 * i));
        for (const s of sums)
          s.forEach((v, i) => f.set(v, join === undefined ? v128.zero() : load(at[0], i)));
        const shifts = sums[0].map((_, i) =>
          shifted ? f.local('v128', v128.load(i32.add(scratch, i32.shl(column, 1)), 16 * i)) : v128.zero(),
        );
        f.set(count, rows);
        f.repeatAtLeastOnce(count, () => {
          shifts.forEach((shift, i) => {
            const values = at.map((a) => f.local('v128', load(a, i)));
            const terms = emit(values, shift, (v) => f.local('v128', v));
            terms.forEach((v, k) => f.set(sums[k][i], (join?.[k] ?? f64x2.add)(sums[k][i], v)));
          });
          for (const a of at) f.add(a, pattern);
        });
        sums.forEach((s, k) => {
          const target = i32.add(i32.add(to, i32.mul(pattern, 2 * k)), i32.shl(column, 1));
          s.forEach((v, i) => f.emit(v128.store(target, v, 16 * i)));
        });
      });
    });
  });
}

const kernel: WasmKernel<'sums'> = {
  op: 'sums',
  name: 'f32-sums-wasmsimd',
  bound: 1e-12,
  supports: ({ rows, channels, x }) => pays(x) && rows * channels >= patternLength(channels, COLUMNS, 1),
  prepare(params, memory) {
    const { fn, outer, rows, channels, x, p, y } = params;
    const binding = new Binding(memory);
    const pattern = patternLength(channels, COLUMNS, 1);
    const patterns = Math.floor((rows * channels) / pattern);
    const blocks = Math.ceil(patterns / PATTERNS);
    const results = resultsOf(fn);
    const partial = binding.allocate('float64', outer * blocks * pattern * results);
    const [first, second = 0] = x.map((a) => binding.read(a));
    const fields = [4 * rows * channels, 4 * pattern, 8 * channels, patterns, blocks];
    const context = binding.constant('int32', [
      ...fields,
      partial.byteOffset,
      p.length === 0 ? 0 : binding.read(p[0]),
      first,
      second,
    ]);
    const module = compiledOnce(`sums ${fn}`, (m) => emitSums(m, fn));
    const work = x.length * x[0].byteLength;
    const call = binding.call(module, 'run', context, outer * blocks, work, 8 * pattern);
    return binding.finish(call, () => {
      y.forEach((a, k) => a.fill(RESULTS[fn][k].start));
      for (let unit = 0, i = 0; unit < outer * blocks; unit++) {
        const from = Math.floor(unit / blocks) * channels;
        y.forEach((a, k) => {
          const { merge } = RESULTS[fn][k];
          for (let j = 0, c = from; j < pattern; j++, c = c + 1 === from + channels ? from : c + 1)
            a[c] = merge(a[c], partial[i++]);
        });
      }
      addSums(params, (patterns * pattern) / channels);
    });
  },
  kind: ({ fn }) => fn,
  sample({ fn }) {
    const [outer, rows, channels] = [2, 1111, 6];
    const output = new Float64Array(outer * channels * resultsOf(fn));
    const values = sampleFloats(outer * rows * channels + 5);
    const params = {
      ...{ fn, outer, rows, channels },
      x: [values.subarray(5), values.slice(0, -5)].slice(0, TERMS[fn].operands),
      p: [Float64Array.from(sampleFloats(outer * channels))],
      y: Array.from({ length: resultsOf(fn) }, (_, k) =>
        output.subarray(k * outer * channels, (k + 1) * outer * channels),
      ),
    };
    return { params, output };
  },
};

export const sumsKernel = checked(kernel, [reference]);
