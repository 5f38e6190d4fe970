/**
 * Max and average pooling of float32 and their gradients, four channels at a time; the last four of a number that is no
 * multiple of 4 overlap those before. A unit of work is a row of windows, for gradients an image: windows may overlap.
 */
import type { AnyKernel, FloatArray, OpParams, PoolDivisors, PoolTaps, PoolWindows } from '../../types.js';
import * as references from '../../reference/training/pool.js';
import type { Int, Module } from '../assembler.js';
import { Binding } from '../binding.js';
import { compiledOnce } from '../engine.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import { fill } from '../instructions/memory.js';
import * as v128 from '../instructions/v128.js';
import { checked, sampleFloats } from '../selfTest.js';
import { pays } from './arrays.js';

type PoolOp = 'maxpool' | 'maxpoolGrad' | 'avgpool' | 'avgpoolGrad';
/** Of any of these ops: x or dx, y or dy, and what only some have. */
interface Arrays extends PoolWindows, Partial<PoolDivisors> {
  readonly image: FloatArray;
  readonly result: FloatArray;
  readonly winners?: Int32Array | null;
}

const LANES = 4;

/** How many taps every window has along an axis; 0 where that differs, or is a lot of code. */
function tapCount({ start, end, step }: PoolTaps): number {
  const count = Math.ceil((end[0] - start[0]) / step);
  return count <= 3 && start.every((s, i) => Math.ceil((end[i] - s) / step) === count) ? count : 0;
}

interface Kind {
  readonly isMax: boolean;
  readonly isGrad: boolean;
  /** with winners */
  readonly wanted: boolean;
  /** see {@link tapCount}: loops over taps are unrolled where it is known */
  readonly rowTaps: number;
  readonly columnTaps: number;
}

function emitPool(m: Module, { isMax, isGrad, wanted, rowTaps, columnTaps }: Kind): void {
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end }) => {
    const fields = Array.from({ length: 16 }, (_, i) => f.local('i32', i32.load(c, 4 * i)));
    const [image, result, winners, height, width, bytes, rows, columns] = fields;
    const [rowStart, rowEnd, rowStep, rowDivisor, columnStart, columnEnd, columnStep, columnDivisor] =
      fields.slice(8);
    const lanes = f.local('v128', v128.load(c, 64));
    const lastChannels = f.local('i32', i32.sub(bytes, 4 * LANES));
    const step = f.local('i32', i32.mul(columnStep, bytes));
    const [n, firstRow, lastRow, plane, to, ch, i4, top, bottom, j4, left, right] = f.locals('i32', 12);
    const [rowPlace, rowFrom, place, from] = f.locals('i32', 4);
    const rowCells = f.local('i32', i32.mul(rowStep, width));
    const rowBytes = f.local('i32', i32.mul(rowCells, bytes));
    const times = (count: number, first: Int, end: Int, by: Int, body: () => void): void => {
      if (count === 0) f.for(first, end, by, body);
      for (let i = 0; i < count; i++) body();
    };
    const [value, winner, v, won, divisor] = f.locals('v128', 5);
    const planeBytes = i32.mul(i32.mul(height, width), bytes);

    const tap = (): void => {
      f.set(v, v128.load(from));
      if (isGrad) {
        const share = isMax ? v128.and(value, i32x4.eq(winner, i32x4.splat(place))) : value;
        f.emit(v128.store(from, f32x4.add(v, share)));
      } else if (!isMax) f.set(value, f32x4.add(value, v));
      else {
        f.set(won, v128.or(f32x4.gt(v, value), v128.not(f32x4.eq(v, v))));
        f.set(value, v128.bitselect(v, value, won));
        if (wanted) f.set(winner, v128.bitselect(i32x4.splat(place), winner, won));
      }
    };

    f.for(begin, end, 1, (unit) => {
      f.set(n, isGrad ? unit : i32.div(unit, rows));
      f.set(firstRow, isGrad ? i32.const(0) : i32.rem(unit, rows));
      f.set(lastRow, isGrad ? rows : i32.add(firstRow, 1));
      f.set(plane, i32.add(image, i32.mul(n, planeBytes)));
      if (isGrad) f.emit(fill(plane, 0, planeBytes));
      f.for(firstRow, lastRow, 1, (i) => {
        f.set(i4, i32.shl(i, 2));
        f.set(top, i32.load(i32.add(rowStart, i4)));
        f.set(bottom, i32.load(i32.add(rowEnd, i4)));
        f.for(0, columns, 1, (j) => {
          f.set(j4, i32.shl(j, 2));
          f.set(left, i32.load(i32.add(columnStart, j4)));
          f.set(right, i32.load(i32.add(columnEnd, j4)));
          const offset = i32.mul(i32.add(i32.mul(i32.add(i32.mul(n, rows), i), columns), j), bytes);
          f.set(to, offset);
          if (!isMax)
            f.set(
              divisor,
              f32x4.splat(f32.mul(f32.load(i32.add(rowDivisor, i4)), f32.load(i32.add(columnDivisor, j4)))),
            );
          f.for(0, bytes, 4 * LANES, (channel) => {
            f.set(ch, i32.min(channel, lastChannels));
            const y = i32.add(result, i32.add(to, ch));
            const places = i32.add(winners, i32.add(to, ch));
            f.set(value, v128.zero());
            if (isGrad) {
              // lanes that the vector before has served give nothing again
              const served = i32x4.lt_s(lanes, i32x4.splat(i32.sub(channel, ch)));
              f.set(value, v128.andnot(v128.load(y), served));
              if (isMax) f.set(winner, v128.load(places));
              else f.set(value, f32x4.div(value, divisor));
            }
            f.set(rowPlace, i32.add(i32.mul(top, width), left));
            f.set(rowFrom, i32.add(i32.add(plane, i32.mul(rowPlace, bytes)), ch));
            if (isMax && !isGrad) {
              f.set(value, v128.load(rowFrom));
              f.set(winner, i32x4.splat(rowPlace));
            }
            times(rowTaps, top, bottom, rowStep, () => {
              f.set(place, rowPlace);
              f.set(from, rowFrom);
              times(columnTaps, left, right, columnStep, () => {
                tap();
                f.add(from, step);
                f.add(place, columnStep);
              });
              f.add(rowPlace, rowCells);
              f.add(rowFrom, rowBytes);
            });
            if (isGrad) return;
            f.emit(v128.store(y, isMax ? value : f32x4.div(value, divisor)));
            if (wanted) f.emit(v128.store(places, winner));
          });
        });
      });
    });
  });
}

function poolKernel<O extends PoolOp>(op: O, arraysOf: (p: OpParams[O]) => Arrays): AnyKernel {
  const isMax = op.startsWith('max');
  const isGrad = op.endsWith('Grad');
  const kindOf = (p: OpParams[O]): Kind => {
    const wanted = Boolean(arraysOf(p).winners);
    return { isMax, isGrad, wanted, rowTaps: tapCount(p.rows), columnTaps: tapCount(p.columns) };
  };
  const kind = (p: OpParams[O]): string => {
    const { wanted, rowTaps, columnTaps } = kindOf(p);
    return `${op} ${rowTaps}x${columnTaps}${wanted ? ' winners' : ''}`;
  };
  return checked<O>(
    {
      op,
      name: `f32-${op}-wasmsimd`,
      bound: 1e-5,
      supports: (p) => {
        const { image, result, winners, channels } = arraysOf(p);
        return channels >= LANES && pays([image, result, winners ?? null]);
      },
      prepare(p, memory) {
        const a = arraysOf(p);
        const { image, result, winners = null, batch, channels, rows, columns } = a;
        const binding = new Binding(memory);
        const [input, output] = isGrad ? [result, image] : [image, result];
        const [read, written] = [binding.read(input), binding.write(output)];
        const places = winners === null ? 0 : isGrad ? binding.read(winners) : binding.write(winners);
        const taps = ({ start, end, step }: PoolTaps, divisor?: Float64Array): number[] => [
          binding.constant('int32', start),
          binding.constant('int32', end),
          step,
          divisor === undefined ? 0 : binding.constant('float32', divisor),
        ];
        const context = binding.constant('int32', [
          ...(isGrad ? [written, read] : [read, written]),
          ...[places, a.height, a.width, 4 * channels, rows.start.length, columns.start.length],
          ...taps(rows, a.rowDivisor),
          ...taps(columns, a.columnDivisor),
          ...[0, 4, 8, 12],
        ]);
        const module = compiledOnce(kind(p), (m) => emitPool(m, kindOf(p)));
        const units = isGrad ? batch : batch * rows.start.length;
        return binding.finish(binding.call(module, 'run', context, units, 2 * image.byteLength));
      },
      kind,
      sample(like) {
        const [batch, height, width, channels] = [2, 5, 6, 7];
        const count = tapCount(like.rows);
        const across = tapCount(like.columns);
        const rows = {
          start: Int32Array.of(0, 1, 2),
          end: count > 0 ? Int32Array.of(0, 1, 2).map((v) => v + count) : Int32Array.of(2, 4, 5),
          step: 1,
        };
        const columns = {
          start: Int32Array.of(0, 1),
          end: across > 0 ? Int32Array.of(0, 1).map((v) => v + 2 * across - 1) : Int32Array.of(1, 6),
          step: 2,
        };
        const image = sampleFloats(batch * height * width * channels);
        const result = sampleFloats(batch * 3 * 2 * channels);
        // the first element of each window
        const firsts = [...rows.start].flatMap((r) => Array.from(columns.start, (c) => r * width + c));
        const winners = arraysOf(like).winners
          ? Int32Array.from(result, (_, i) => firsts[Math.floor(i / channels) % firsts.length])
          : null;
        const params = {
          ...{ batch, height, width, channels, rows, columns, winners },
          rowDivisor: Float64Array.of(2, 3, 2),
          columnDivisor: Float64Array.of(3, 3),
          ...(isGrad ? { dx: image, dy: result } : { x: image, y: result }),
        };
        return { params: params as unknown as OpParams[O], output: isGrad ? image : result };
      },
    },
    [references[op]] as AnyKernel[],
  );
}

export const poolKernels = [
  poolKernel('maxpool', (p) => ({ ...p, image: p.x, result: p.y })),
  poolKernel('maxpoolGrad', (p) => ({ ...p, image: p.dx, result: p.dy })),
  poolKernel('avgpool', (p) => ({ ...p, image: p.x, result: p.y })),
  poolKernel('avgpoolGrad', (p) => ({ ...p, image: p.dx, result: p.dy })),
];
