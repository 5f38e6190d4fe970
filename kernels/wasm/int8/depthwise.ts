/**
 * Integer depthwise convolution, channels innermost. Two rows of the image are interleaved byte by byte, so that
 * `load8x8` gives four channels of both, and `i32x4.dot_i16x8_s` multiplies them by two taps of a filter column. Codes keep
 * their zero point: padding holds it, and the bias takes its part off.
 *
 * A unit of work is a strip of output rows. The last tile of a row and the last block of channels overlap the ones
 * before them, so there are no tails: what is computed twice is the same.
 */
import type { Local, Module, Value } from '../assembler.js';
import { layout } from '../binding.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as i8x16 from '../instructions/i8x16.js';
import { fill } from '../instructions/memory.js';
import * as v128 from '../instructions/v128.js';
import {
  bytesOf,
  FixedRequantizer,
  FloatRequantizer,
  type OutputKind,
  REQUANT_FIELDS,
} from './requantize.js';

/** Channels of a block: those of one vector of sums. */
export const BLOCK = 4;
/** Output positions of a tile: 4 was faster than 2, 7 or 8, and than 2 or 4 of eight channels. */
export const POSITIONS = 4;
/** Bytes at the start of scratch where sums wait for fixed-point requantization. */
export const TEMPORARY = 16 * POSITIONS;

/** What is compiled in. */
export interface DepthwiseVariant {
  readonly kind: OutputKind;
  readonly signed: boolean;
  /** of a tile */
  readonly positions: number;
  readonly kernelWidth: number;
  readonly strideWidth: number;
  readonly dilationWidth: number;
}

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
  'outChannels',
  /** output channels of an input channel */
  'expansion',
  /** output rows of a strip, strips of an image */
  'stripRows',
  'strips',
  'strideHeight',
  'dilationHeight',
  'padTop',
  /** rows of the image from one pair of rows to the next */
  'pairStep',
  /** bytes of a row of output channels in scratch, with room to write beyond; elements of a row of x that are used */
  'rowBytes',
  'rowElements',
  /** bytes of a pair: all, left of the image; of all pairs of one output row */
  'pairBytes',
  'leftBytes',
  'stripBytes',
  /** pairs of filter rows; bytes from the pair of one to that of the next, and from one output row to the next */
  'filterPairs',
  'filterStep',
  'rowStep',
);
type Field = (typeof context.names)[number];
const field = (c: Value<'i32'>, name: Field): Value<'i32'> => i32.load(c, context.offset[name]);

/** Repeats each of `count` bytes `times` times. Writes up to 15 bytes more. */
function emitExpand(m: Module) {
  return m.func(
    '',
    { from: 'i32', to: 'i32', count: 'i32', times: 'i32' },
    (f, { from, to, count, times }) => {
      f.repeat(count, () => {
        f.for(0, times, 16, (i) => f.emit(v128.store(i32.add(to, i), v128.load8_splat(from))));
        f.add(from, 1);
        f.add(to, times);
      });
    },
  );
}

/** Interleaves `count` bytes of two rows. Writes up to 30 bytes more. */
function emitInterleave(m: Module) {
  return m.func('', { a: 'i32', b: 'i32', to: 'i32', count: 'i32' }, (f, { a, b, to, count }) => {
    const [first, second] = f.locals('v128', 2);
    f.repeat(
      count,
      () => {
        f.set(first, v128.load(a));
        f.set(second, v128.load(b));
        for (const half of [0, 8]) {
          const bytes = Array.from({ length: 16 }, (_, i) => half + (i >> 1) + 16 * (i & 1));
          f.emit(v128.store(to, i8x16.shuffle(first, second, bytes), 2 * half));
        }
        f.add(a, 16);
        f.add(b, 16);
        f.add(to, 32);
      },
      16,
    );
  });
}

/** A few positions of an output row, all channels. */
function emitTile(m: Module, t: DepthwiseVariant) {
  const { kind } = t;
  const load = t.signed ? v128.load8x8_s : v128.load8x8_u;
  const params = { c: 'i32', x: 'i32', y: 'i32', temporary: 'i32' } as const;
  return m.func('', params, (f, { c, x, y, temporary }) => {
    const fields = (...names: Field[]): Local<'i32'>[] => names.map((name) => f.local('i32', field(c, name)));
    const [channels, filterPairs, weights] = fields('outChannels', 'filterPairs', 'weights');
    const perChannel = fields('bias', 'multiplier', 'shift');
    const [bias, multiplier, shift] = perChannel;
    const float = kind.startsWith('float') ? new FloatRequantizer(f, field(c, 'constants')) : null;
    const sums = f.locals('v128', t.positions);
    const taps = f.locals('v128', t.kernelWidth);
    const value = f.local('v128');
    const [at, pairs, to] = f.locals('i32', 3);
    const cell = f.local('i32', i32.mul(channels, bytesOf(kind)));
    const column = f.local('i32', i32.shl(channels, 1));
    const columnOf = (position: number, tap: number): number =>
      position * t.strideWidth + tap * t.dilationWidth;
    const columns = columnOf(t.positions - 1, t.kernelWidth - 1);
    const back = f.local('i32', i32.sub(field(c, 'filterStep'), i32.mul(column, columns)));

    f.for(0, channels, BLOCK, (block) => {
      const channel = i32.min(block, i32.sub(channels, BLOCK));
      f.set(at, i32.add(x, i32.shl(channel, 1)));
      f.set(to, i32.add(y, i32.mul(channel, bytesOf(kind))));
      for (const sum of sums) f.set(sum, v128.load(bias));
      f.set(pairs, filterPairs);
      f.repeatAtLeastOnce(pairs, () => {
        taps.forEach((tap, i) => f.set(tap, v128.load(weights, 16 * i)));
        f.add(weights, 16 * t.kernelWidth);
        // each column of the image is loaded once, for all positions that it belongs to
        for (let i = 0; i <= columns; i++) {
          if (i > 0) f.add(at, column);
          const users = sums.flatMap((sum, p) =>
            taps.filter((_, k) => columnOf(p, k) === i).map((tap) => ({ sum, tap })),
          );
          if (users.length > 0) f.set(value, load(at));
          for (const { sum, tap } of users) f.set(sum, i32x4.add(sum, i32x4.dot_i16x8_s(value, tap)));
        }
        f.add(at, back);
      });
      if (kind === 'int32')
        for (const sum of sums) {
          f.emit(v128.store(to, sum));
          f.add(to, cell);
        }
      else if (float) {
        const scale = f.local('v128', v128.load(multiplier));
        const codes = sums.map((sum) => float.codes(sum, scale));
        const words = (i: number): Value<'v128'> =>
          i16x8.narrow_i32x4_s(codes[i] ?? codes[0], codes[i + 1] ?? codes[0]);
        const narrow = kind.endsWith('uint8') ? i8x16.narrow_i16x8_u : i8x16.narrow_i16x8_s;
        f.set(value, narrow(words(0), words(2)));
        sums.forEach((_, i) => {
          f.emit(v128.store32_lane(to, value, i));
          f.add(to, cell);
        });
      } else {
        const fixed = new FixedRequantizer(
          f,
          kind.startsWith('double') ? 'double' : 'single',
          field(c, 'constants'),
        );
        sums.forEach((sum, i) => f.emit(v128.store(temporary, sum, 16 * i)));
        f.for(temporary, i32.add(temporary, 16 * t.positions), 16, (from) => {
          for (let lane = 0; lane < BLOCK; lane++) {
            const code = fixed.code(
              i32.load(from, 4 * lane),
              i32.load(multiplier, 4 * lane),
              f.local('i32', i32.load(shift, 4 * lane)),
            );
            f.emit(i32.store8(to, code, lane));
          }
          f.add(to, cell);
        });
      }
      for (const pointer of perChannel) f.add(pointer, 16);
    });
  });
}

/** Exports `run` over strips. */
export function emitDepthwise(m: Module, variant: DepthwiseVariant): void {
  const expand = emitExpand(m);
  const interleave = emitInterleave(m);
  const tile = emitTile(m, variant);
  const size = bytesOf(variant.kind);
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const fields = (...names: Field[]): Local<'i32'>[] => names.map((name) => f.local('i32', field(c, name)));
    const [strips, stripRows, outHeight, outWidth, channels] = fields(
      'strips',
      'stripRows',
      'outHeight',
      'outWidth',
      'outChannels',
    );
    const [zeroPoint, expansion, rowElements, rowBytes, leftBytes, pairBytes] = fields(
      'zeroPoint',
      'expansion',
      'rowElements',
      'rowBytes',
      'leftBytes',
      'pairBytes',
    );
    const padding = f.local('i32', i32.add(scratch, TEMPORARY));
    const expanded = [1, 2].map((i) => f.local('i32', i32.add(padding, i32.mul(rowBytes, i))));
    const first = f.local('i32', i32.add(padding, i32.mul(rowBytes, 3)));
    const count = f.local('i32', i32.mul(rowElements, expansion));
    const [image, outRow, rows, inRow, to, x, y] = f.locals('i32', 7);
    const sources = f.locals('i32', 2);
    f.for(begin, end, 1, (unit) => {
      f.set(image, i32.div(unit, strips));
      f.set(outRow, i32.mul(i32.rem(unit, strips), stripRows));
      f.set(rows, i32.min(stripRows, i32.sub(outHeight, outRow)));
      f.set(x, i32.add(field(c, 'x'), i32.mul(image, field(c, 'xImage'))));
      const firstRow = i32.add(i32.mul(image, outHeight), outRow);
      f.set(y, i32.add(field(c, 'y'), i32.mul(i32.mul(firstRow, outWidth), i32.mul(channels, size))));
      f.set(inRow, i32.sub(i32.mul(outRow, field(c, 'strideHeight')), field(c, 'padTop')));
      f.set(to, first);
      f.emit(fill(padding, zeroPoint, rowElements));
      const end = i32.add(
        i32.add(first, i32.mul(i32.sub(rows, 1), field(c, 'rowStep'))),
        field(c, 'stripBytes'),
      );
      f.doWhile(
        () => {
          sources.forEach((source, i) => {
            const row = i === 0 ? inRow : i32.add(inRow, field(c, 'dilationHeight'));
            const inside = i32.and(i32.ge(row, 0), i32.lt(row, field(c, 'inHeight')));
            f.set(source, i32.select(i32.add(x, i32.mul(row, field(c, 'xRow'))), padding, inside));
            f.if(i32.gt(expansion, 1), () => {
              f.call(expand, { from: source, to: expanded[i], count: rowElements, times: expansion });
              f.set(source, expanded[i]);
            });
          });
          const used = i32.add(leftBytes, i32.shl(count, 1));
          f.emit(fill(to, zeroPoint, leftBytes));
          f.call(interleave, { a: sources[0], b: sources[1], to: i32.add(to, leftBytes), count });
          f.emit(fill(i32.add(to, used), zeroPoint, i32.sub(pairBytes, used)));
          f.add(inRow, field(c, 'pairStep'));
          f.add(to, pairBytes);
        },
        () => i32.lt(to, end),
      );
      f.set(to, first);
      f.repeat(rows, () => {
        f.for(0, outWidth, variant.positions, (position) => {
          const place = f.local(
            'i32',
            i32.mul(i32.min(position, i32.sub(outWidth, variant.positions)), channels),
          );
          f.call(tile, {
            c,
            x: i32.add(to, i32.mul(place, 2 * variant.strideWidth)),
            y: i32.add(y, i32.mul(place, size)),
            temporary: scratch,
          });
        });
        f.add(to, field(c, 'rowStep'));
        f.add(y, i32.mul(i32.mul(outWidth, channels), size));
      });
    });
  });
}
