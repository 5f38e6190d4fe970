/**
 * The integer GEMM and convolution: an implicit GEMM over rows that are widened to int16 with the zero point taken off.
 *
 * A unit of work is a strip: some output rows of one image (for a product: some rows of x). The input rows it needs are
 * widened into scratch with their padding, where a position is an offset and the taps of a filter row are one run of
 * consecutive elements. The tile is 4 positions by 8 channels: a 32-bit word holds two int16 along the depth,
 * `i32x4.dot_i16x8_s` multiplies and adds them in pairs. Weights are packed as [panel of 8 channels][word][8][2].
 */
import type { Func, Local, Module, Value } from '../assembler.js';
import { layout } from '../binding.js';
import type { Target } from '../engine.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';
import { copy, fill } from '../instructions/memory.js';
import {
  bytesOf,
  FixedRequantizer,
  FloatRequantizer,
  type OutputKind,
  REQUANT_FIELDS,
} from './requantize.js';

export const TILE_ROWS = 4;
export const PANEL = 8;
/** Bytes at the start of scratch where a panel of fewer channels leaves its tile. */
export const TEMPORARY = TILE_ROWS * PANEL * 4;

export const context = layout(
  'x',
  'y',
  'weights',
  'bias',
  ...REQUANT_FIELDS,
  'zeroPoint',
  'inHeight',
  /** elements of x in a row, and in an image */
  'xRow',
  'xImage',
  'outHeight',
  'outWidth',
  /** output rows of a strip, strips of an image */
  'stripRows',
  'strips',
  /** input rows from one output row to the next, rows above the image, rows that a strip needs beyond its own */
  'strideHeight',
  'padTop',
  'extraRows',
  /** bytes of a widened row: all, left of the image; elements that are copied */
  'rowBytes',
  'leftBytes',
  'rowElements',
  /** offsets of the positions of a strip, and of the runs of a position, in bytes */
  'positions',
  'runs',
  'runCount',
  'runWords',
  'groups',
  /** bytes from one group to the next in a widened row */
  'groupBytes',
  /** channels of a group, of the output */
  'channels',
  'outChannels',
);
type Field = (typeof context.names)[number];

const field = (c: Value<'i32'>, name: Field): Value<'i32'> => i32.load(c, context.offset[name]);

/** Widens `count` bytes, eight at a time, to int16 minus the zero point. Writes up to 7 elements more. */
function emitWiden(m: Module, signed: boolean) {
  const load = signed ? v128.load8x8_s : v128.load8x8_u;
  return m.func(
    '',
    { from: 'i32', to: 'i32', count: 'i32', zeroPoint: 'i32' },
    (f, { from, to, count, zeroPoint }) => {
      const zero = f.local('v128', i16x8.splat(zeroPoint));
      f.repeat(
        count,
        () => {
          f.emit(v128.store(to, i16x8.sub(load(from), zero)));
          f.add(from, 8);
          f.add(to, 16);
        },
        8,
      );
    },
  );
}

/** One panel of channels for all positions of a strip. */
function emitPanel(m: Module, kind: OutputKind, unroll: number) {
  const params = {
    c: 'i32',
    a: 'i32', // scratch of this group's first channel
    positions: 'i32', // how many
    b: 'i32',
    y: 'i32', // first position, first channel of the panel
    channel: 'i32', // 4 * first packed channel of the panel
    columns: 'i32', // channels of the panel
    temporary: 'i32',
  } as const;
  return m.func('', params, (f, p) => {
    const size = bytesOf(kind);
    const fixed = kind !== 'int32' && !kind.startsWith('float');
    const table = f.local('i32', field(p.c, 'positions'));
    const runs = f.local('i32', field(p.c, 'runs'));
    const runCount = f.local('i32', field(p.c, 'runCount'));
    const runWords = f.local('i32', field(p.c, 'runWords'));
    const rowStep = f.local('i32', i32.mul(field(p.c, 'outChannels'), size));
    const bias = [0, 16].map((o) => f.local('v128', v128.load(i32.add(field(p.c, 'bias'), p.channel), o)));
    const sums = Array.from({ length: TILE_ROWS }, () => f.locals('v128', 2));
    const whole = f.local('i32', fixed ? i32.const(0) : i32.eq(p.columns, PANEL));
    const requantizer = kind.startsWith('float') ? new FloatRequantizer(f, field(p.c, 'constants')) : null;
    const multipliers =
      requantizer === null
        ? []
        : [0, 16].map((o) => f.local('v128', v128.load(i32.add(field(p.c, 'multiplier'), p.channel), o)));
    const a = f.locals('i32', TILE_ROWS);
    const step = f.locals('i32', TILE_ROWS);
    const last = f.local('i32');
    const target = f.local('i32');
    const [b, run, left, words] = f.locals('i32', 4);

    f.doWhile(
      () => {
        // rows beyond the last one repeat it: the same codes go to the same place
        f.set(last, i32.min(i32.sub(p.positions, 1), TILE_ROWS - 1));
        step.forEach((s, i) => f.set(s, i === 0 ? i32.const(0) : i32.min(i, last)));
        a.forEach((ai, i) => f.set(ai, i32.add(p.a, i32.load(i32.add(table, i32.shl(step[i], 2))))));
        for (const row of sums) row.forEach((sum, j) => f.set(sum, bias[j]));
        f.set(b, p.b);
        f.set(run, runs);
        f.set(left, runCount);
        f.repeatAtLeastOnce(left, () => {
          // a points at the run while it is being walked
          a.forEach((ai) => f.add(ai, i32.load(run)));
          f.set(words, runWords);
          emitSteps(f, sums, a, b, words, unroll);
          f.add(run, 4);
        });
        f.set(target, i32.select(p.y, p.temporary, whole));
        for (let i = 0; i < TILE_ROWS; i++) {
          const to = f.local(
            'i32',
            i32.add(target, i32.mul(step[i], i32.select(rowStep, PANEL * (fixed ? 4 : size), whole))),
          );
          const [s, t] = sums[i];
          if (requantizer === null) f.emit(v128.store(to, s), v128.store(to, t, 16));
          else {
            const type = kind.endsWith('uint8') ? 'uint8' : 'int8';
            const codes = requantizer.bytes(
              type,
              requantizer.codes(s, multipliers[0]),
              requantizer.codes(t, multipliers[1]),
            );
            f.emit(v128.store64_lane(to, codes, 0));
          }
        }
        f.if(i32.eqz(whole), () => emitTail(f, kind, p, rowStep, last));
        f.add(p.y, i32.shl(rowStep, 2));
        f.add(table, 4 * TILE_ROWS);
        f.add(p.positions, -TILE_ROWS);
      },
      () => i32.gt(p.positions, 0),
    );
  });
}

/** `words` steps of the tile: two loads of weights, four splats of x, eight dot products. */
function emitSteps(
  f: Func,
  sums: readonly Local<'v128'>[][],
  a: readonly Local<'i32'>[],
  b: Local<'i32'>,
  words: Local<'i32'>,
  unroll: number,
): void {
  const weights = f.locals('v128', 2);
  const x = f.local('v128');
  const steps = (count: number): void => {
    for (let u = 0; u < count; u++) {
      weights.forEach((w, j) => f.set(w, v128.load(b, 32 * u + 16 * j)));
      sums.forEach((row, i) => {
        f.set(x, v128.load32_splat(a[i], 4 * u));
        row.forEach((sum, j) => f.set(sum, i32x4.add(sum, i32x4.dot_i16x8_s(x, weights[j]))));
      });
    }
    a.forEach((ai) => f.add(ai, 4 * count));
    f.add(b, 32 * count);
  };
  if (unroll > 1) {
    const many = f.local('i32', i32.div(words, unroll));
    f.repeat(many, () => steps(unroll));
    f.set(words, i32.rem(words, unroll));
  }
  f.repeat(words, () => steps(1));
}

/** Moves the channels that exist from the temporary tile to y; requantizes them on the way in fixed point. */
function emitTail(
  f: Func,
  kind: OutputKind,
  p: { readonly [K in 'c' | 'y' | 'channel' | 'columns' | 'temporary']: Local<'i32'> },
  rowStep: Local<'i32'>,
  last: Local<'i32'>,
): void {
  const size = bytesOf(kind);
  const fixed = kind !== 'int32' && !kind.startsWith('float');
  const [from, to, column, shift] = f.locals('i32', 4);
  const requantizer = fixed
    ? new FixedRequantizer(f, kind.startsWith('double') ? 'double' : 'single', field(p.c, 'constants'))
    : null;
  f.for(0, i32.add(last, 1), 1, (i) => {
    f.set(to, i32.add(p.y, i32.mul(i, rowStep)));
    f.set(from, i32.add(p.temporary, i32.mul(i, PANEL * (fixed ? 4 : size))));
    if (requantizer === null) {
      f.emit(copy(to, from, i32.mul(p.columns, size)));
      return;
    }
    f.set(column, p.channel);
    f.for(0, p.columns, 1, () => {
      f.set(shift, i32.load(i32.add(field(p.c, 'shift'), column)));
      const multiplier = i32.load(i32.add(field(p.c, 'multiplier'), column));
      f.emit(i32.store8(to, requantizer.code(i32.load(from), multiplier, shift)));
      f.add(to, 1);
      f.add(from, 4);
      f.add(column, 4);
    });
  });
}

/** Exports `run` over strips. */
export function emitGemm(m: Module, { unroll }: Target, kind: OutputKind, signed: boolean): void {
  const widen = emitWiden(m, signed);
  const panel = emitPanel(m, kind, unroll);
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const fields = (...names: Field[]): Local<'i32'>[] => names.map((name) => f.local('i32', field(c, name)));
    const [strips, stripRows, outHeight, outWidth, strideHeight] = fields(
      'strips',
      'stripRows',
      'outHeight',
      'outWidth',
      'strideHeight',
    );
    const [rowBytes, leftBytes, rowElements, inHeight, xRow] = fields(
      'rowBytes',
      'leftBytes',
      'rowElements',
      'inHeight',
      'xRow',
    );
    const [channels, outChannels, groups] = fields('channels', 'outChannels', 'groups');
    const panelBytes = f.local(
      'i32',
      i32.mul(i32.mul(field(c, 'runCount'), field(c, 'runWords')), 4 * PANEL),
    );
    const rows = f.local('i32', i32.add(scratch, TEMPORARY));
    const [image, outRow, count, inRow, to, x, y] = f.locals('i32', 7);
    f.for(begin, end, 1, (unit) => {
      f.set(image, i32.div(unit, strips));
      f.set(outRow, i32.mul(i32.rem(unit, strips), stripRows));
      f.set(count, i32.min(stripRows, i32.sub(outHeight, outRow)));
      f.set(x, i32.add(field(c, 'x'), i32.mul(image, field(c, 'xImage'))));
      f.set(inRow, i32.sub(i32.mul(outRow, strideHeight), field(c, 'padTop')));
      f.set(to, rows);
      const needed = i32.add(i32.mul(i32.sub(count, 1), strideHeight), field(c, 'extraRows'));
      f.for(0, needed, 1, () => {
        f.if(
          i32.and(i32.ge(inRow, 0), i32.lt(inRow, inHeight)),
          () => {
            const used = i32.add(leftBytes, i32.shl(rowElements, 1));
            f.emit(fill(to, 0, leftBytes));
            f.call(widen, {
              from: i32.add(x, i32.mul(inRow, xRow)),
              to: i32.add(to, leftBytes),
              count: rowElements,
              zeroPoint: field(c, 'zeroPoint'),
            });
            f.emit(fill(i32.add(to, used), 0, i32.sub(rowBytes, used)));
          },
          () => f.emit(fill(to, 0, rowBytes)),
        );
        f.add(inRow, 1);
        f.add(to, rowBytes);
      });
      const size = bytesOf(kind);
      f.set(
        y,
        i32.add(
          field(c, 'y'),
          i32.mul(i32.mul(i32.mul(i32.add(i32.mul(image, outHeight), outRow), outWidth), outChannels), size),
        ),
      );
      const weights = f.local('i32', field(c, 'weights'));
      const channel = f.local('i32', i32.const(0));
      f.for(0, groups, 1, (group) => {
        f.for(0, channels, PANEL, (column) => {
          f.call(panel, {
            c,
            a: i32.add(rows, i32.mul(group, field(c, 'groupBytes'))),
            positions: i32.mul(count, outWidth),
            b: weights,
            y: i32.add(y, i32.mul(i32.add(i32.mul(group, channels), column), size)),
            channel,
            columns: i32.min(i32.sub(channels, column), PANEL),
            temporary: scratch,
          });
          f.add(weights, panelBytes);
          f.add(channel, 4 * PANEL);
        });
      });
    });
  });
}
