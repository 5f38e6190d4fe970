/**
 * `map` for float32: one pass over all operands, four elements at a time. A unit of work is a segment. Operands that
 * repeat element by element are laid out to a segment once per call, those that repeat by runs are splat once per run,
 * which is then the segment. Code is made for each function and kind of operands that turns up.
 */
import type { MapFunction, NumberArray, OpParams } from '../../types.js';
import { map as reference } from '../../reference/training/map.js';
import type { Func, Local, Module, Value } from '../assembler.js';
import { Binding } from '../binding.js';
import { type Compiled, compiledOnce } from '../engine.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as i8x16 from '../instructions/i8x16.js';
import { copy } from '../instructions/memory.js';
import * as v128 from '../instructions/v128.js';
import { checked, sampleFloats, type WasmKernel } from '../selfTest.js';
import { pays, patternLength } from './arrays.js';
import { FUNCTIONS } from './functions.js';

type Params = OpParams['map'];

/** Elements of an iteration. */
const BLOCK = 16;
/** Elements of a segment where nothing repeats by runs: some microseconds. */
const SEGMENT = 4096;

/** Type and repetition of an operand. */
type Letter = 'f' | 'i' | 's' | 'u';
type Repeat = 'all' | 'one' | 'cycle' | 'run';
interface Operand {
  readonly type: Letter;
  readonly repeat: Repeat;
}

function letterOf(a: NumberArray): Letter | 'd' {
  if (a instanceof Float32Array) return 'f';
  if (a instanceof Uint8Array) return 'u';
  if (a instanceof Int8Array) return 's';
  return a instanceof Int32Array ? 'i' : 'd';
}

const bytesOf = (type: string): number => (type === 'f' || type === 'i' ? 4 : 1);

function repeatOf(a: NumberArray, n: number, inner: number): Repeat {
  if (a.length === n) return 'all';
  return a.length === 1 ? 'one' : inner === 1 ? 'cycle' : 'run';
}

function load(type: Letter, from: Value<'i32'>, i: number): Value<'v128'> {
  if (bytesOf(type) === 4) return v128.load(from, 4 * i);
  const extend = type === 's' ? i16x8.extend_low_i8x16_s : i16x8.extend_low_i8x16_u;
  return i32x4.extend_low_i16x8_s(extend(v128.load32_zero(from, i)));
}

function store(f: Func, type: Letter, to: Value<'i32'>, v: Value<'v128'>, i: number): void {
  if (bytesOf(type) === 4) f.emit(v128.store(to, v, 4 * i));
  else {
    const words = f.local('v128', i16x8.narrow_i32x4_s(v, v));
    const narrow = type === 's' ? i8x16.narrow_i16x8_s : i8x16.narrow_i16x8_u;
    f.emit(v128.store32_lane(to, narrow(words, words), 0, i));
  }
}

/** Words of the context: elements in all, of a segment, of an operand that repeats; then addresses of x and y, then s. */
const HEAD = 3;

function emitMap(m: Module, fn: MapFunction, x: readonly Operand[], y: readonly Letter[], numbers: number) {
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const word = (i: number): Local<'i32'> => f.local('i32', i32.load(c, 4 * i));
    const [n, segment, period] = [0, 1, 2].map(word);
    const from = x.map((_, k) => word(HEAD + k));
    const to = y.map((_, k) => word(HEAD + x.length + k));
    const splat = (address: Value<'i32'>, at = 0): Local<'v128'> =>
      f.local('v128', v128.load32_splat(address, at));
    const s = Array.from({ length: numbers }, (_, k) => splat(c, 4 * (HEAD + x.length + y.length + k)));
    // the tail of the last block goes through scratch
    const tails = y.map((_, k) => f.local('i32', i32.add(scratch, 4 * BLOCK * k)));
    const pattern = f.local('i32', i32.add(scratch, 4 * BLOCK * y.length));
    const fixed = x.map(({ repeat }, k) => {
      if (repeat === 'one') return splat(from[k]);
      if (repeat !== 'cycle') return f.local('v128');
      f.for(0, segment, period, (i) => {
        f.emit(copy(i32.add(pattern, i32.shl(i, 2)), from[k], i32.shl(period, 2)));
      });
      f.set(from[k], pattern);
      f.add(pattern, i32.shl(segment, 2));
      return f.local('v128');
    });
    const at = [...x, ...y].map(() => f.local('i32'));
    const [count, offset, target] = f.locals('i32', 3);
    const targets = y.map(() => f.local('i32'));
    f.for(begin, end, 1, (unit) => {
      f.set(offset, i32.mul(unit, segment));
      f.set(count, i32.min(segment, i32.sub(n, offset)));
      x.forEach(({ type, repeat }, k) => {
        if (repeat === 'run')
          f.set(fixed[k], v128.load32_splat(i32.add(from[k], i32.shl(i32.rem(unit, period), 2))));
        else if (repeat !== 'one')
          f.set(at[k], repeat === 'all' ? i32.add(from[k], i32.mul(offset, bytesOf(type))) : from[k]);
      });
      y.forEach((type, k) => f.set(at[x.length + k], i32.add(to[k], i32.mul(offset, bytesOf(type)))));
      f.repeat(
        count,
        () => {
          f.set(target, i32.ge(count, BLOCK));
          y.forEach((_, k) => f.set(targets[k], i32.select(at[x.length + k], tails[k], target)));
          for (let i = 0; i < BLOCK; i += 4) {
            const operands = x.map(({ type, repeat }, k) =>
              repeat === 'one' || repeat === 'run' ? fixed[k] : f.local('v128', load(type, at[k], i)),
            );
            const results = FUNCTIONS[fn](operands, s, (v) => f.local('v128', v));
            results.forEach((v, k) => store(f, y[k], targets[k], v, i));
          }
          f.if(i32.eqz(target), () => {
            y.forEach((type, k) => {
              f.emit(copy(at[x.length + k], tails[k], i32.mul(count, bytesOf(type))));
            });
          });
          x.forEach(({ type, repeat }, k) => {
            if (repeat === 'all' || repeat === 'cycle') f.add(at[k], BLOCK * bytesOf(type));
          });
          y.forEach((type, k) => f.add(at[x.length + k], BLOCK * bytesOf(type)));
        },
        BLOCK,
      );
    });
  });
}

function compiled(kind: string, { fn, inner, x, s, y }: Params): Compiled {
  return compiledOnce(`map ${kind}`, (m) => {
    const operands = x.map((a) => ({
      type: letterOf(a) as Letter,
      repeat: repeatOf(a, y[0].length, inner),
    }));
    const results = y.map((a) => letterOf(a) as Letter);
    emitMap(m, fn, operands, results, s.length);
  });
}

function kindOf({ fn, inner, x, y }: Params): string {
  const n = y[0].length;
  let kind: string = fn;
  for (const a of x) kind += ` ${letterOf(a)}${repeatOf(a, n, inner)}`;
  for (const a of y) kind += ` ${letterOf(a)}`;
  return kind;
}

const words = new Int32Array(1);
const float = new Float32Array(words.buffer);
function bitsOf(x: number): number {
  float[0] = x;
  return words[0];
}

const kernel: WasmKernel<'map'> = {
  op: 'map',
  name: 'f32-map-wasmsimd',
  bound: 1e-6,
  supports: ({ fn, x, y }) =>
    pays([...x, ...y]) &&
    // int32 beyond 24 bits has no exact float32
    (fn !== 'dequantize' || bytesOf(letterOf(x[0])) === 1),
  prepare(p, memory) {
    const { inner, x, s, y } = p;
    const binding = new Binding(memory);
    const n = y[0].length;
    const kinds = x.map((a) => repeatOf(a, n, inner));
    const period = x.reduce((length, a) => (a.length === n || a.length === 1 ? length : a.length), 1);
    const runs = kinds.includes('run');
    const segment = runs ? inner : patternLength(period, BLOCK, kinds.includes('cycle') ? 128 : SEGMENT);
    // single values from outside the memory get a place behind the context
    const singles = x.filter((a, k) => kinds[k] === 'one' && !binding.engine.memory.owns(a));
    const tail = HEAD + x.length + y.length + s.length;
    const context = binding.allocate('int32', tail + singles.length);
    const addressOf = (a: NumberArray): number => {
      const single = singles.indexOf(a);
      return single < 0 ? binding.read(a) : context.byteOffset + 4 * (tail + single);
    };
    context.set([
      n,
      segment,
      period,
      ...x.map(addressOf),
      ...y.map((a) => binding.write(a)),
      ...s.map(bitsOf),
    ]);
    const readSingles = (): void => {
      singles.forEach((a, i) => (context[tail + i] = a instanceof Int32Array ? a[0] : bitsOf(a[0])));
    };
    const bytes = [...x, ...y].reduce((sum, a) => sum + a.byteLength, 0);
    const scratch = 4 * BLOCK * y.length + 4 * segment * kinds.filter((k) => k === 'cycle').length;
    return binding.finish(
      readSingles,
      binding.call(compiled(kindOf(p), p), 'run', context.byteOffset, Math.ceil(n / segment), bytes, scratch),
    );
  },
  kind: kindOf,
  sample(like) {
    const n = 53;
    const inner = like.inner === 1 ? 1 : 7;
    const lengths = { all: n, one: 1, cycle: 3, run: 3 };
    const make = (a: NumberArray, length: number, signed: boolean): NumberArray => {
      const values = sampleFloats(length + 9).map((v) => (signed ? v : Math.abs(v)) * 50);
      return new (a.constructor as Float32ArrayConstructor)(values.subarray(9));
    };
    const output = new Float32Array(n * like.y.length);
    const y = like.y.map((a, k) =>
      a instanceof Float32Array ? output.subarray(k * n, (k + 1) * n) : make(a, n, true),
    );
    const x = like.x.map((a, k) =>
      make(a, lengths[repeatOf(a, like.y[0].length, like.inner)], k < 2 && like.fn !== 'sqrt'),
    );
    const params = { fn: like.fn, inner, x, s: like.s.map((_, k) => (k + 1) / 8), y };
    return { params, output: y[0] instanceof Float32Array ? output : y[0] };
  },
};

export const mapKernel = checked(kernel, [reference]);
