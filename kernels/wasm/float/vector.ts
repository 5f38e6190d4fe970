/**
 * Float32 products of few rows (a linear layer at batch 1): every element of `b` is used once or a few times, so that it is
 * read where it lies instead of being packed. `dot` walks along four lines of a transposed `b`, `axpy` adds multiples of
 * four lines of `b` to sums in scratch.
 */
import type { Local, Module, Value } from '../assembler.js';
import { Binding, layout } from '../binding.js';
import { compiledOnce, type Target } from '../engine.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as i8x16 from '../instructions/i8x16.js';
import * as v128 from '../instructions/v128.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { gemm, sampleProduct } from './gemm.js';
import { words } from './pack.js';
import { areFloat32, madd } from './product.js';

const context = layout('a', 'b', 'bias', 'c', 'm', 'n', 'k', 'accumulate');
const run = { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' } as const;
const get = (c: Local<'i32'>, name: (typeof context.names)[number]): Value<'i32'> =>
  i32.load(c, context.offset[name]);

/** Lines of `b` that are read together. */
const LINES = 4;
/** Columns of a unit of `axpy`. */
const COLUMNS = 256;

function emitDot(m: Module, target: Target): void {
  m.func('dot', run, (f, { c, begin, end }) => {
    const product = madd(target);
    const n = f.local('i32', get(c, 'n'));
    const line = f.local('i32', i32.shl(get(c, 'k'), 2));
    const b = f.locals('i32', LINES);
    const sums = [f.locals('v128', LINES), f.locals('v128', LINES)];
    const [a, to, left, rows, column, count] = f.locals('i32', 6);
    const x = f.local('v128');
    f.for(begin, end, 1, (unit) => {
      f.set(column, i32.mul(unit, LINES));
      f.set(count, i32.sub(n, column));
      f.set(a, get(c, 'a'));
      f.set(to, i32.add(get(c, 'c'), i32.shl(column, 2)));
      f.set(rows, get(c, 'm'));
      f.repeat(rows, () => {
        b.forEach((bi, i) =>
          f.set(bi, i32.add(get(c, 'b'), i32.mul(i32.add(column, i32.min(i, i32.sub(count, 1))), line))),
        );
        for (const sum of sums.flat()) f.set(sum, v128.zero());
        // eight steps, then one: lanes that were not loaded are zero
        const steps = (load: typeof v128.load, vectors: number, advance: number): void => {
          for (let h = 0; h < vectors; h++) {
            f.set(x, load(a, 16 * h));
            b.forEach((bi, i) => f.set(sums[h][i], product(sums[h][i], x, load(bi, 16 * h))));
          }
          [a, ...b].forEach((p) => f.add(p, advance));
        };
        f.set(left, i32.shr(line, 5));
        f.repeat(left, () => steps(v128.load, 2, 32));
        f.set(left, i32.and(get(c, 'k'), 7));
        f.repeat(left, () => steps(v128.load32_zero, 1, 4));

        const [p, q, r, s] = sums[0].map((sum, i) => f32x4.add(sum, sums[1][i]));
        const halves = (u: Value<'v128'>, v: Value<'v128'>): Value<'v128'> =>
          f32x4.add(i8x16.shuffle(u, v, words(0, 4, 1, 5)), i8x16.shuffle(u, v, words(2, 6, 3, 7)));
        sums[0].forEach((sum, i) => f.set(sum, [p, q, r, s][i]));
        f.set(sums[0][0], halves(sums[0][0], sums[0][1]));
        f.set(sums[0][2], halves(sums[0][2], sums[0][3]));
        const [u, , v] = sums[0];
        f.set(
          x,
          f32x4.add(
            v128.load(i32.add(get(c, 'bias'), i32.shl(column, 2))),
            f32x4.add(i8x16.shuffle(u, v, words(0, 1, 4, 5)), i8x16.shuffle(u, v, words(2, 3, 6, 7))),
          ),
        );
        f.if(get(c, 'accumulate'), () => f.set(x, f32x4.add(x, v128.load(to))));
        for (let i = 0; i < LINES; i++)
          f.if(i32.gt(count, i), () => f.emit(v128.store32_lane(to, x, i, 4 * i)));
        f.add(to, i32.shl(n, 2));
      });
    });
  });
}

function emitAxpy(m: Module, target: Target): void {
  m.func('axpy', run, (f, { c, begin, end, scratch }) => {
    const product = madd(target);
    const line = f.local('i32', i32.shl(get(c, 'n'), 2));
    const b = f.locals('i32', LINES);
    const x = f.locals('v128', LINES);
    const [a, from, to, column, count, left, lines] = f.locals('i32', 7);
    const sum = f.local('v128');
    const value = f.local('f32');
    f.for(begin, end, 1, (unit) => {
      f.set(column, i32.mul(unit, 4 * COLUMNS));
      f.set(count, i32.min(i32.shr(i32.sub(line, column), 2), COLUMNS));
      f.set(a, get(c, 'a'));
      f.set(from, i32.add(get(c, 'b'), column));
      f.for(0, COLUMNS * 4, 16, (i) => f.emit(v128.store(i32.add(scratch, i), v128.zero())));
      const steps = (used: number): void => {
        for (let i = 0; i < used; i++) {
          f.set(x[i], v128.load32_splat(a, 4 * i));
          f.set(b[i], from);
          f.add(from, line);
        }
        f.set(to, scratch);
        f.set(left, count);
        f.repeat(
          left,
          () => {
            f.set(sum, v128.load(to));
            for (let i = 0; i < used; i++) {
              f.set(sum, product(sum, x[i], v128.load(b[i])));
              f.add(b[i], 16);
            }
            f.emit(v128.store(to, sum));
            f.add(to, 16);
          },
          4,
        );
        f.add(a, 4 * used);
      };
      f.set(lines, i32.shr(get(c, 'k'), 2));
      f.repeat(lines, () => steps(LINES));
      f.set(lines, i32.and(get(c, 'k'), LINES - 1));
      f.repeat(lines, () => steps(1));

      f.set(from, i32.add(get(c, 'bias'), column));
      f.set(to, i32.add(get(c, 'c'), column));
      f.for(0, count, 1, () => {
        f.set(value, f32.add(f32.load(from), f32.load(scratch)));
        f.if(get(c, 'accumulate'), () => f.set(value, f32.add(value, f32.load(to))));
        f.emit(f32.store(to, value));
        for (const p of [from, to, scratch]) f.add(p, 4);
      });
      f.set(scratch, i32.sub(scratch, i32.shl(count, 2)));
    });
  });
}

const gemv: WasmKernel<'gemm'> = {
  ...gemm,
  name: 'f32-gemv-4-wasmsimd',
  supports: ({ m, a, b, transA, transB, bias, c }) =>
    areFloat32(a, b, bias, c) && (m === 1 || (m <= LINES && transB && !transA)),
  prepare: ({ m, n, k, a, b, transB, bias, accumulate, c }, memory) => {
    const binding = new Binding(memory);
    const address = binding.context(context, {
      a: binding.read(a),
      b: binding.read(b),
      bias: bias === null ? binding.allocate('float32', n).byteOffset : binding.read(bias),
      c: accumulate ? binding.update(c) : binding.write(c),
      m,
      n,
      k,
      accumulate: accumulate ? 1 : 0,
    });
    const [name, columns, emit] = transB
      ? (['dot', LINES, emitDot] as const)
      : (['axpy', COLUMNS, emitAxpy] as const);
    const units = Math.ceil(n / columns);
    const module = compiledOnce(name, emit);
    return binding.finish(binding.call(module, name, address, units, 2 * m * n * k, 4 * COLUMNS));
  },
  sample: (like) => sampleProduct(like, 1, 261, 23),
};

export const gemmKernels = [checked(gemv), checked(gemm)];
