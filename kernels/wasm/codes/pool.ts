/**
 * Pooling of codes, channels innermost: a run is the channels of one output position, operand b the shape of its window
 * inside the image with the constants that belong to it. The mean over an axis is the average of one wide window.
 */
import { averageRequantization, isQuotient } from '../../reference/average.js';
import { forEachWindow } from '../../reference/window.js';
import type { CodeArray, FixedRounding, Kernel, OpParams, WindowGeometry } from '../../types.js';
import type { Func, Local, Module, Value } from '../assembler.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as i8x16 from '../instructions/i8x16.js';
import * as v128 from '../instructions/v128.js';
import { SAMPLE_CONV } from '../int8/layer.js';
import {
  FixedRequantizer,
  FloatRequantizer,
  MAX,
  MIN,
  MULTIPLIER,
  REQUANT_BYTES,
  requantWords,
  SHIFT,
} from '../int8/requantize.js';
import { sampleCodes } from '../selfTest.js';
import {
  emitRuns,
  HALVES,
  isSigned,
  loadCodes,
  runKernel,
  type RunLocals,
  type Runs,
  type Steps,
} from './runs.js';

const STEPS: Steps = [1, 0, 1];
/** Cells: sums stay below 2^24, where float32 holds every integer. */
const LARGEST_WINDOW = 2 ** 16 - 2 ** 8;

/** Words of a window after those of its requantization: first value of the sums, cells inside the image */
const [INITIAL, ROWS, COLUMNS] = [REQUANT_BYTES, REQUANT_BYTES + 4, REQUANT_BYTES + 8];

/** Emits the walk over the cells of the window, given what to do at the address of a cell. */
function windowWalk(f: Func, { a, b, c }: RunLocals): (visit: (cell: Local<'i32'>) => void) => void {
  const [rowStep, columnStep, rows, columns] = [
    i32.load(c),
    i32.load(c, 4),
    i32.load(b, ROWS),
    i32.load(b, COLUMNS),
  ].map((value) => f.local('i32', value));
  const [row, rowsLeft, cell, columnsLeft] = f.locals('i32', 4);
  return (visit) => {
    f.set(row, a);
    f.set(rowsLeft, rows);
    f.repeat(rowsLeft, () => {
      f.set(cell, row);
      f.set(columnsLeft, columns);
      f.repeat(columnsLeft, () => {
        visit(cell);
        f.add(cell, columnStep);
      });
      f.add(row, rowStep);
    });
  };
}

function emitMaximum(m: Module, { signed }: { readonly signed: boolean }): void {
  const [greater, less] = signed ? [i8x16.max_s, i8x16.min_s] : [i8x16.max_u, i8x16.min_u];
  emitRuns(m, 16, STEPS, (f, p) => {
    const [min, max] = [MIN, MAX].map((at) => f.local('v128', v128.load8_splat(p.b, at)));
    const best = f.local('v128');
    const walk = windowWalk(f, p);
    return (to) => {
      f.set(best, min);
      walk((cell) => f.set(best, greater(best, v128.load(cell))));
      f.emit(v128.store(to, less(best, max)));
    };
  });
}

/** 'quotient' is the sum divided by the count, ties away from zero. */
type Averaging = 'float' | 'quotient' | FixedRounding;

interface AverageVariant {
  readonly how: Averaging;
  readonly signed: boolean;
  readonly type: 'int8' | 'uint8';
}

/** Emits the way of eight sums to the codes at `to`. */
type Store = (sums: readonly Value<'v128'>[], to: Local<'i32'>) => void;

function floatStore(f: Func, window: Value<'i32'>, { how, type }: AverageVariant): Store {
  const requantizer = new FloatRequantizer(f, window);
  // of a quotient: the count
  const multiplier = f.local('v128', v128.load32_splat(window, MULTIPLIER));
  const half = f.local('v128', f32x4.trunc(f32x4.mul(multiplier, f32x4.splat(f32.const(0.5)))));
  const sign = f.local('v128', i32x4.splat(i32.const(-(2 ** 31))));
  // exact: sums and counts stay below 2^24, and the quotient of a multiple of the count and one less differ by more than an ulp
  const scaled = (sum: Value<'v128'>): Value<'v128'> => {
    if (how === 'float') return f32x4.mul(sum, multiplier);
    const awayFromZero = f32x4.add(sum, v128.or(half, v128.and(sum, sign)));
    return f32x4.trunc(f32x4.div(awayFromZero, multiplier));
  };
  const floats = f.locals('v128', 2);
  return (sums, to) => {
    const [low, high] = floats.map((x, i) => {
      f.set(x, f32x4.convert_i32x4_s(sums[i]));
      return requantizer.round(scaled(x));
    });
    f.emit(v128.store64_lane(to, requantizer.bytes(type, low, high), 0));
  };
}

function fixedStore(f: Func, window: Value<'i32'>, rounding: FixedRounding): Store {
  const requantizer = new FixedRequantizer(f, rounding, window);
  const [multiplier, shift] = [MULTIPLIER, SHIFT].map((at) => f.local('i32', i32.load(window, at)));
  return (sums, to) => {
    for (let i = 0; i < 8; i++) {
      const sum = i32x4.extract_lane(sums[i >> 2], i & 3);
      f.emit(i32.store8(to, requantizer.code(sum, multiplier, shift), i));
    }
  };
}

function emitAverage(m: Module, variant: AverageVariant): void {
  const { how, signed } = variant;
  emitRuns(m, 8, STEPS, (f, p) => {
    const sums = f.locals('v128', 2);
    const codes = f.local('v128');
    const initial = f.local('v128', v128.load32_splat(p.b, INITIAL));
    const walk = windowWalk(f, p);
    const store =
      how === 'double' || how === 'single' ? fixedStore(f, p.b, how) : floatStore(f, p.b, variant);
    return (to) => {
      for (const sum of sums) f.set(sum, initial);
      walk((cell) => {
        f.set(codes, loadCodes(signed, cell));
        sums.forEach((sum, i) => f.set(sum, i32x4.add(sum, HALVES[i](codes))));
      });
      store(sums, to);
    };
  });
}

type Pool = WindowGeometry & { readonly channels: number };

/**
 * Adds a run for every output position.
 * @param words constants of a window of so many cells, without its rows and columns
 */
function addWindows(
  runs: Runs,
  g: Pool,
  x: CodeArray,
  y: CodeArray,
  words: (cells: number) => readonly number[],
): number[] {
  const { binding } = runs;
  const { channels } = g;
  const [from, to] = [binding.read(x), binding.write(y)];
  const shapes = new Map<number, number>();
  forEachWindow(g, (position, cell, rows, columns) => {
    const key = rows * 2 ** 20 + columns;
    let shape = shapes.get(key);
    if (shape === undefined)
      shapes.set(key, (shape = binding.constant('int32', [...words(rows * columns), rows, columns])));
    runs.add(STEPS, from + cell * channels, shape, to + position * channels, channels);
  });
  return [g.dilationHeight * g.inWidth * channels, g.dilationWidth * channels];
}

/** Windows that reach into the padding, and channels that do not fill a block. */
const SAMPLE: Pool = { ...SAMPLE_CONV, channels: 19 };
const [SAMPLE_X, SAMPLE_Y] = [2 * 5 * 6 * 19, 2 * 5 * 3 * 19];

const qavgpool = runKernel<'qavgpool', AverageVariant>({
  op: 'qavgpool',
  type: 'q8',
  supports: (p) => p.kernelHeight * p.kernelWidth <= LARGEST_WINDOW,
  variant: (p) => ({
    how: isQuotient(p) ? 'quotient' : p.numerics === 'fixed' ? p.rounding : 'float',
    signed: isSigned(p.x.data),
    type: isSigned(p.y.data) ? 'int8' : 'uint8',
  }),
  emit: emitAverage,
  plan: (p, runs, { how }) => {
    const { x, y, min, max } = p;
    return addWindows(runs, p, x.data, y.data, (cells) => {
      const count = p.countIncludePad ? p.kernelHeight * p.kernelWidth : cells;
      return how === 'quotient'
        ? [...floatWords(min, max, count), (count - cells) * x.zeroPoint]
        : [...requantWords(averageRequantization(p, count)), -cells * x.zeroPoint];
    });
  },
  sample: (like) => {
    const x = { ...like.x, data: sampleCodes(like.x.data, SAMPLE_X) };
    const y = { ...like.y, data: sampleCodes(like.y.data, SAMPLE_Y) };
    return { params: { ...like, ...SAMPLE, x, y }, output: y.data };
  },
});

/** The clamp of whole numbers, and a multiplier. */
const floatWords = (min: number, max: number, multiplier: number): number[] =>
  requantWords({ numerics: 'float', zeroPoint: 0, min, max, multiplier: Float32Array.of(multiplier) });

/** The mean over an axis as the average of one window that is the axis. */
const asPool = (p: OpParams['qmean']): OpParams['qavgpool'] => ({
  ...p,
  ...SAMPLE,
  batch: p.outer,
  inHeight: 1,
  inWidth: p.reduce,
  outHeight: 1,
  outWidth: 1,
  kernelHeight: 1,
  kernelWidth: p.reduce,
  padTop: 0,
  padLeft: 0,
  channels: p.inner,
  countIncludePad: true,
});

const qmean: Kernel<'qmean'> = {
  op: 'qmean',
  name: 'q8-qmean-wasmsimd',
  supports: (p) => qavgpool.supports(asPool(p)),
  prepare: (p, memory) => qavgpool.prepare(asPool(p), memory),
};

const qmaxpool = runKernel({
  op: 'qmaxpool',
  type: 'x8',
  supports: ({ x, y }) => isSigned(x) === isSigned(y),
  variant: ({ x }) => ({ signed: isSigned(x) }),
  emit: emitMaximum,
  plan: (p, runs) => {
    const words = [...floatWords(p.min, p.max, 1), 0];
    return addWindows(runs, p, p.x, p.y, () => words);
  },
  sample: (like) => {
    const [x, y] = [sampleCodes(like.x, SAMPLE_X), sampleCodes(like.y, SAMPLE_Y)];
    return { params: { ...like, ...SAMPLE, x, y }, output: y };
  },
});

export const poolKernels = [qmaxpool, qavgpool, qmean];
