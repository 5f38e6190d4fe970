/**
 * The tile that all products share: 4 rows by 8 columns of sums, 16 columns where the engine merges pairs of vectors. A
 * row is an address that walks along runs of the depth; a step multiplies one 32-bit word of each row (one float, two
 * int16) with a vector of words for the columns.
 */
import type { Callable, Func, Int, Local, Module, Value } from '../assembler.js';
import type { Target } from '../engine.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as v128 from '../instructions/v128.js';
import { type Field, field } from './context.js';

export const TILE_ROWS = 4;
/** Bytes at the start of scratch where a panel of fewer columns leaves its tile. */
export const TEMPORARY = TILE_ROWS * 16 * 4;

/** Size of a tile. */
export interface Shape {
  readonly rows: number;
  /** of four columns */
  readonly vectors: number;
  /** of a packed column of a step */
  readonly bytes: number;
}
export const shapeOf = (target: Target): Shape => ({
  rows: TILE_ROWS,
  vectors: tileVectors(target),
  bytes: 4,
});

/** Vectors of four columns in a tile. */
export const tileVectors = ({ revectorize }: Target): number => (revectorize ? 4 : 2);

const params = {
  c: 'i32',
  /** where the rows of the tile are relative to */
  a: 'i32',
  /** pairs of the offset of a row from `a` and of its sums from `y`; a multiple of TILE_ROWS */
  table: 'i32',
  tiles: 'i32',
  /** pairs of the offset of a run from the end of the one before, and its steps */
  runs: 'i32',
  runCount: 'i32',
  b: 'i32',
  y: 'i32',
  /** what the sums start with */
  bias: 'i32',
  /** 4 * first channel of the panel */
  channel: 'i32',
  /** columns of the panel that exist */
  columns: 'i32',
  /** add what y holds */
  accumulate: 'i32',
  temporary: 'i32',
} as const;
export type TileParams = { readonly [K in keyof typeof params]: Local<'i32'> };

/** How sums leave the tile. */
export interface Output {
  /** bytes of a column in y, and in the temporary tile */
  readonly bytes: number;
  readonly temporaryBytes: number;
  /** What `store` takes of sums of four columns, if not themselves. */
  readonly scale?: ((sums: Value<'v128'>, vector: number) => Value<'v128'>) | undefined;
  /** Stores one row. */
  store(to: Local<'i32'>, sums: readonly Value<'v128'>[]): void;
  /** Moves one column from the temporary tile to y. */
  move(to: Local<'i32'>, from: Local<'i32'>, channel: Local<'i32'>): void;
  /** Rows cannot be stored directly. */
  readonly indirect?: boolean;
  /** All columns of a panel are stored always. */
  readonly direct?: boolean;
  /** Loads four columns of y to add to the sums. */
  readonly load?: typeof v128.load;
}

export interface Arithmetic {
  /** sum + x * w */
  madd(sum: Value<'v128'>, x: Value<'v128'>, w: Value<'v128'>, operand: Value<'v128'>): Value<'v128'>;
  /** a constant that `madd` takes */
  readonly operand?: Value<'v128'>;
  /** Of a tile other than {@link shapeOf}. */
  readonly shape?: Shape;
  /** Loads four columns of a step. */
  readonly loadColumns?: typeof v128.load;
  /** A row has a word for each column (depthwise). */
  readonly elementwise?: boolean;
  /** Rows and columns advance by what the context says, instead of by one word and one packed vector of columns. */
  readonly strided?: boolean;
  output(f: Func, p: Pick<TileParams, 'c' | 'channel'> & { readonly vectors: number }): Output;
}

/**
 * Stores the rows of a tile at their places, panels of fewer columns through the temporary tile. The last row goes first:
 * rows beyond the end may have the place of the last one, which then overwrites them.
 */
export function emitStore(
  f: Func,
  output: Output,
  p: Pick<TileParams, 'columns' | 'channel' | 'temporary'>,
  vectors: number,
): (sums: readonly Local<'v128'>[][], place: (row: Int) => Value<'i32'>) => void {
  const whole = f.local('i32', output.indirect === true ? i32.const(0) : i32.eq(p.columns, 4 * vectors));
  const width = 4 * vectors * output.temporaryBytes;
  const [to, from, channel, row] = f.locals('i32', 4);
  return (sums, place) => {
    for (let i = sums.length - 1; i >= 0; i--) {
      f.set(
        to,
        output.direct === true ? place(i) : i32.select(place(i), i32.add(p.temporary, i * width), whole),
      );
      output.store(
        to,
        sums[i].map((sum, j) => output.scale?.(sum, j) ?? sum),
      );
    }
    if (output.direct === true) return;
    f.if(i32.eqz(whole), () => {
      f.set(row, i32.const(sums.length));
      f.repeatAtLeastOnce(row, () => {
        const i = i32.sub(row, 1);
        f.set(to, place(i));
        f.set(from, i32.add(p.temporary, i32.mul(i, width)));
        f.set(channel, p.channel);
        f.for(0, p.columns, 1, () => {
          output.move(to, from, channel);
          f.add(to, output.bytes);
          f.add(from, output.temporaryBytes);
          f.add(channel, 4);
        });
      });
    });
  };
}

/** One panel of columns for all rows of a strip. */
export function emitTile(m: Module, target: Target, arithmetic: Arithmetic): Callable<typeof params> {
  const { rows, vectors, bytes } = arithmetic.shape ?? shapeOf(target);
  // The steps of a single row are a function of their own: V8 11 unrolls them within other loops, and then spills sums.
  const alone =
    rows > 1
      ? null
      : m.func('', { c: 'i32', at: 'i32', a: 'i32', b: 'i32', words: 'i32' }, (f, { c, at, a, b, words }) => {
          const sums = f.locals('v128', vectors);
          sums.forEach((sum, j) => f.set(sum, v128.load(at, 16 * j)));
          emitStepper(f, target, arithmetic, c)([sums], [a], b, words);
          sums.forEach((sum, j) => f.emit(v128.store(at, sum, 16 * j)));
        });
  return m.func('', params, (f, p) => {
    const output = arithmetic.output(f, { ...p, vectors });
    const sums = Array.from({ length: rows }, () => f.locals('v128', vectors));
    const merged = target.revectorize && alone === null && output.direct !== true;
    const store = emitStore(f, merged ? { ...output, scale: undefined } : output, p, vectors);
    const a = f.locals('i32', rows);
    const [b, run, left, words, to] = f.locals('i32', 5);
    const step = emitStepper(f, target, arithmetic, p.c);

    f.repeatAtLeastOnce(p.tiles, () => {
      a.forEach((ai, i) => f.set(ai, i32.add(p.a, i32.load(p.table, 8 * i))));
      for (const row of sums) row.forEach((sum, j) => f.set(sum, v128.load(p.bias, 16 * j)));
      f.set(b, p.b);
      f.set(run, p.runs);
      f.set(left, p.runCount);
      f.repeat(left, () => {
        // a points into the run while it is being walked
        f.set(words, i32.load(run));
        a.forEach((ai) => f.add(ai, words));
        f.set(words, i32.load(run, 4));
        if (alone === null) step(sums, a, b, words);
        else {
          sums[0].forEach((sum, j) => f.emit(v128.store(p.temporary, sum, 16 * j)));
          f.call(alone, { c: p.c, at: p.temporary, a: a[0], b, words });
          sums[0].forEach((sum, j) => f.set(sum, v128.load(p.temporary, 16 * j)));
          f.add(a[0], i32.shl(words, 2));
          f.add(b, i32.mul(words, 4 * bytes * vectors));
        }
        f.add(run, 8);
      });
      // V8 looks for pairs of vectors from their stores upwards; loads between two stores keep them apart
      if (merged) {
        for (const row of sums) row.forEach((sum, j) => f.set(sum, output.scale?.(sum, j) ?? sum));
        const at = (i: number, j: number): number => 16 * (i * vectors + j);
        sums.forEach((row, i) => row.forEach((sum, j) => f.emit(v128.store(p.temporary, sum, at(i, j)))));
        sums.forEach((row, i) => row.forEach((sum, j) => f.set(sum, v128.load(p.temporary, at(i, j)))));
      }
      const place = (i: Int): Value<'i32'> => i32.add(p.y, i32.load(i32.add(p.table, i32.shl(i, 3)), 4));
      const { load } = output;
      if (load !== undefined)
        // rows may repeat: all are read before one is written
        f.if(p.accumulate, () =>
          sums.forEach((row, i) => {
            f.set(to, place(i));
            row.forEach((sum, j) => f.set(sum, f32x4.add(sum, load(to, 16 * j))));
          }),
        );
      store(sums, place);
      f.add(p.table, 8 * rows);
    });
  });
}

/** `words` steps: loads of the columns, words of the rows, products. */
function emitStepper(f: Func, target: Target, arithmetic: Arithmetic, c: Local<'i32'>) {
  const { madd, elementwise, strided, loadColumns = v128.load } = arithmetic;
  const { vectors, bytes } = arithmetic.shape ?? shapeOf(target);
  const w = f.locals('v128', vectors);
  const operand = f.local('v128', arithmetic.operand);
  const x = f.local('v128');
  const advance = (name: Field, size: number): Local<'i32'> | number =>
    strided === true ? f.local('i32', field(c, name)) : size;
  const aStep = advance('aStep', 4);
  const bStep = advance('bStep', 4 * bytes * vectors);
  return (
    sums: readonly Local<'v128'>[][],
    a: readonly Local<'i32'>[],
    b: Local<'i32'>,
    words: Local<'i32'>,
  ): void => {
    const steps = (count: number): void => {
      for (let u = 0; u < count; u++) {
        const [ao, bo] = typeof aStep === 'number' ? [u * aStep, u * Number(bStep)] : [0, 0];
        const columns = w.map((_, j) => loadColumns(b, bo + 4 * bytes * j));
        // one row uses them once: locals would only take registers
        if (sums.length > 1) w.forEach((wj, j) => f.set(wj, columns[j]));
        const vector = sums.length > 1 ? w : columns;
        sums.forEach((row, i) => {
          if (elementwise !== true) f.set(x, v128.load32_splat(a[i], ao));
          row.forEach((sum, j) =>
            f.set(
              sum,
              madd(sum, elementwise === true ? v128.load(a[i], ao + 16 * j) : x, vector[j], operand),
            ),
          );
        });
        if (strided === true || u === count - 1) {
          const n = strided === true ? 1 : count;
          a.forEach((ai) => f.add(ai, typeof aStep === 'number' ? n * aStep : aStep));
          f.add(b, typeof bStep === 'number' ? n * bStep : bStep);
        }
      }
    };
    if (target.unroll > 1) {
      const many = f.local('i32', i32.shr(words, Math.log2(target.unroll)));
      f.repeat(many, () => steps(target.unroll));
      f.set(words, i32.and(words, target.unroll - 1));
    }
    f.repeat(words, () => steps(1));
  };
}
