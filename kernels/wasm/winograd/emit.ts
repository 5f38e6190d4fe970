/**
 * 3x3 convolution of stride 1 by Winograd's F(4x4, 3x3), of float32 and, exactly, of 8-bit codes (`transforms.ts`).
 *
 * A strip is a row of tiles of an image; a unit of work is some strips, for some of the panels of output channels. The six
 * input rows of a strip go through the vertical half of the input transform into scratch, with their padding; the
 * horizontal half spreads them over 36 matrices [tile][channel]. For some panels at a time these are multiplied by the 36
 * matrices of weights [panel][point][word][channel of the panel], and the sums [4 tiles][point][4][channel of the panel]
 * go through the output transform.
 */
import type { Int, Module, Value } from '../assembler.js';
import { layout } from '../binding.js';
import type { Target } from '../engine.js';
import { context as shared } from '../igemm/context.js';
import { emitStore, emitTile, shapeOf, TEMPORARY } from '../igemm/tile.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import { add, min, mul, shl } from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';
import { arithmetic } from '../int8/gemm.js';
import { bytesOf, type OutputKind } from '../int8/requantize.js';
import {
  floats,
  inputTransform,
  integers,
  INVERSE_OF_9,
  OUT,
  outputTransform,
  POINTS,
  SHIFT,
  TILE,
} from './transforms.js';

/** Codes, or float32. */
export type InputKind = 'int8' | 'uint8' | 'float32';

/** That of the implicit GEMM, whose tile and output read it, and more. */
export const context = layout(
  ...shared.names,
  /** what the sums of a point start with */
  'zeros',
  /** a row outside the image: zeros, or codes that are the zero point */
  'outside',
  'outHeight',
  'outWidth',
  /** tiles of a strip */
  'columns',
  /** bytes of a transformed row: of the image, right of it */
  'imageBytes',
  'rightBytes',
  /** bytes of a transformed position, and rounded up to vectors */
  'cellBytes',
  'depthBytes',
  /** bytes of one of the matrices of a unit, of the sums of a panel, of the weights of a panel at a point */
  'pointBytes',
  'panelSums',
  'pointWeights',
  /** panels that are multiplied before their sums are transformed */
  'blockPanels',
);
type Field = (typeof context.names)[number];
const field = (c: Value<'i32'>, name: Field): Value<'i32'> => i32.load(c, context.offset[name]);

/** Bytes of a quad of tiles at one point, and at all of them. */
const POINT_SUMS = (vectors: number): number => 64 * vectors;
export const quadSums = (vectors: number): number => POINTS * POINT_SUMS(vectors);
/** Bytes at the start of scratch: a panel of fewer channels, and outputs that are half transformed. */
export const temporaryBytes = (vectors: number): number => TEMPORARY + OUT * TILE * 16 * vectors;

/** Vertical half of the input transform: `bytes` bytes of six rows, widened and rid of the zero point. */
function emitVertical(m: Module, kind: InputKind) {
  const rows = { r0: 'i32', r1: 'i32', r2: 'i32', r3: 'i32', r4: 'i32', r5: 'i32' } as const;
  return m.func('', { ...rows, c: 'i32', to: 'i32', bytes: 'i32' }, (f, { c, to, bytes, ...from }) => {
    const float = kind === 'float32';
    const lanes = float ? floats(f) : integers(false);
    const zero = f.local('v128', i16x8.splat(field(c, 'zeroPoint')));
    const step = f.local('i32', field(c, 'rowBytes'));
    const widen = kind === 'int8' ? v128.load8x8_s : v128.load8x8_u;
    const d = f.locals('v128', TILE);
    const at = f.local('i32');
    f.for(0, bytes, 16, (i) => {
      f.set(at, float ? i : i32.shr(i, 1));
      Object.values(from).forEach((row, r) => {
        f.set(d[r], float ? v128.load(add(row, at)) : i16x8.sub(widen(add(row, at)), zero));
      });
      f.set(at, add(to, i));
      inputTransform(f, lanes, d, (_, v) => {
        f.emit(v128.store(at, v));
        f.add(at, step);
      });
    });
  });
}

/** Horizontal half: one transformed row of a strip into six matrices. */
function emitHorizontal(m: Module, kind: InputKind) {
  return m.func('', { c: 'i32', from: 'i32', to: 'i32' }, (f, { c, from, to }) => {
    const lanes = kind === 'float32' ? floats(f) : integers(false);
    const cell = f.local('i32', field(c, 'cellBytes'));
    const point = f.local('i32', field(c, 'pointBytes'));
    const depth = f.local('i32', field(c, 'depthBytes'));
    const left = f.local('i32', field(c, 'columns'));
    const d = f.locals('v128', TILE);
    const at = f.local('i32');
    f.repeatAtLeastOnce(left, () => {
      f.for(0, depth, 16, (i) => {
        f.set(at, add(from, i));
        d.forEach((v) => {
          f.set(v, v128.load(at));
          f.add(at, cell);
        });
        f.set(at, to);
        inputTransform(f, lanes, d, (_, v) => {
          f.emit(v128.store(at, v));
          f.add(at, point);
        });
        f.add(to, 16);
      });
      f.add(from, shl(cell, 2));
    });
  });
}

/** Output transform of a strip and one panel of channels. */
function emitOutput(m: Module, kind: OutputKind, whole: boolean, vectors: number) {
  const params = {
    c: 'i32',
    sums: 'i32', // of the unit and the panel
    tile: 'i32', // the strip's first, in the unit
    rows: 'i32', // inside the image, at most 4
    y: 'i32', // first position, first channel of the panel
    channel: 'i32', // 4 * first channel of the panel
    columns: 'i32', // channels of the panel
    temporary: 'i32',
  } as const;
  return m.func('', params, (f, p) => {
    const lanes = whole ? integers(true) : floats(f);
    const store = emitStore(f, arithmetic(kind).output(f, { ...p, vectors }), p, vectors);
    const cell = f.local('i32', mul(field(p.c, 'channels'), bytesOf(kind)));
    const row = f.local('i32', mul(cell, field(p.c, 'outWidth')));
    const left = f.local('i32', field(p.c, 'outWidth'));
    const inverse = f.local('v128', i32x4.splat(INVERSE_OF_9));
    const bias = f.locals('v128', vectors);
    bias.forEach((b, j) => f.set(b, v128.load(add(field(p.c, 'bias'), p.channel), 16 * j)));
    const outputs = Array.from({ length: OUT }, () => f.locals('v128', vectors));
    const half = f.local('i32', add(p.temporary, TEMPORARY));
    const [from, to, count, y, last] = f.locals('i32', 5);
    const d = f.locals('v128', TILE);
    f.doWhile(
      () => {
        const quad = mul(i32.shr(p.tile, 2), quadSums(vectors));
        f.set(from, add(add(p.sums, quad), mul(i32.and(p.tile, 3), 16 * vectors)));
        f.set(to, half);
        f.set(count, i32.const(TILE));
        f.repeatAtLeastOnce(count, () => {
          for (let j = 0; j < vectors; j++) {
            d.forEach((v, i) => f.set(v, v128.load(from, i * TILE * POINT_SUMS(vectors) + 16 * j)));
            outputTransform(f, lanes, d, whole, (i, v) =>
              f.emit(v128.store(to, v, (i * TILE * vectors + j) * 16)),
            );
          }
          f.add(from, POINT_SUMS(vectors));
          f.add(to, 16 * vectors);
        });
        f.set(from, half);
        f.set(y, p.y);
        f.set(last, i32.sub(left, 1));
        f.set(count, p.rows);
        f.repeatAtLeastOnce(count, () => {
          for (let j = 0; j < vectors; j++) {
            d.forEach((v, i) => f.set(v, v128.load(from, (i * vectors + j) * 16)));
            outputTransform(f, lanes, d, whole, (i, v) =>
              f.set(
                outputs[i][j],
                whole ? i32x4.add(i32x4.shr_s(i32x4.mul(v, inverse), SHIFT), bias[j]) : f32x4.add(v, bias[j]),
              ),
            );
          }
          // positions beyond the image have the place of the last one inside
          store(outputs, (i) => add(y, mul(min(i, last), cell)));
          f.add(y, row);
          f.add(from, TILE * 16 * vectors);
        });
        f.add(p.y, shl(cell, 2));
        f.add(p.tile, 1);
        f.add(left, -OUT);
      },
      () => i32.gt(left, 0),
    );
  });
}

/** Exports `run` over units. */
export function emitWinograd(m: Module, target: Target, input: InputKind, output: OutputKind): void {
  const whole = input !== 'float32';
  const { vectors } = shapeOf(target);
  const vertical = emitVertical(m, input);
  const horizontal = emitHorizontal(m, input);
  const integer = arithmetic('int32');
  const product = emitTile(m, target, {
    madd: whole
      ? integer.madd
      : (sum, x, w) => (target.fma ? f32x4.relaxed_madd(x, w, sum) : f32x4.add(sum, f32x4.mul(x, w))),
    // bits as they are
    output: (f, p) => ({ ...integer.output(f, p), direct: true }),
  });
  const transform = emitOutput(m, output, whole, vectors);
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const get = (name: Field): Value<'i32'> => field(c, name);
    const times = (n: Int, name: Field): Value<'i32'> => mul(n, get(name));
    const staged = f.local('i32', add(scratch, temporaryBytes(vectors)));
    const matrices = f.local('i32', add(staged, times(TILE, 'rowBytes')));
    const sums = f.local('i32', add(matrices, times(POINTS, 'pointBytes')));
    const [chunk, firstStrip, strips, firstPanel, endPanel] = f.locals('i32', 5);
    const [image, top, x, to, left, tiles, endBlock, y] = f.locals('i32', 8);
    const rows = f.locals('i32', TILE);
    const locate = (strip: Value<'i32'>): void => {
      f.set(image, i32.div(strip, get('strips')));
      f.set(top, mul(i32.rem(strip, get('strips')), OUT));
    };
    const stage = ([r0, r1, r2, r3, r4, r5]: Value<'i32'>[], bytes: Field): void => {
      f.call(vertical, { r0, r1, r2, r3, r4, r5, c, to: left, bytes: get(bytes) });
      f.add(left, get(bytes));
    };
    f.for(begin, end, 1, (unit) => {
      f.set(chunk, i32.div(unit, get('parts')));
      f.set(firstPanel, times(i32.rem(unit, get('parts')), 'partPanels'));
      f.set(endPanel, min(add(firstPanel, get('partPanels')), get('panels')));
      f.set(firstStrip, times(chunk, 'unitStrips'));
      f.set(strips, min(get('unitStrips'), i32.sub(get('allStrips'), firstStrip)));
      f.set(to, matrices);
      f.for(0, strips, 1, (strip) => {
        locate(add(firstStrip, strip));
        f.add(top, get('firstRow'));
        f.set(x, add(add(get('x'), times(image, 'xImage')), times(top, 'xRow')));
        for (const row of rows) {
          f.set(row, i32.select(x, get('outside'), i32.lt_u(top, get('inHeight'))));
          f.add(x, get('xRow'));
          f.add(top, 1);
        }
        f.set(left, staged);
        const padding = rows.map(() => get('outside'));
        stage(padding, 'leftBytes');
        stage(rows, 'imageBytes');
        stage(padding, 'rightBytes');
        f.for(0, TILE, 1, (i) => {
          f.call(horizontal, {
            c,
            from: add(staged, times(i, 'rowBytes')),
            to: add(to, times(mul(i, TILE), 'pointBytes')),
          });
        });
        f.add(to, times(get('columns'), 'depthBytes'));
      });
      f.set(tiles, i32.shr(add(times(strips, 'columns'), 3), 2));
      f.for(firstPanel, endPanel, get('blockPanels'), (block) => {
        f.set(endBlock, min(add(block, get('blockPanels')), endPanel));
        const sumsOf = (panel: Value<'i32'>): Value<'i32'> =>
          add(sums, times(i32.sub(panel, block), 'panelSums'));
        f.for(0, POINTS, 1, (point) => {
          f.for(block, endBlock, 1, (panel) => {
            f.call(product, {
              c,
              a: add(matrices, times(point, 'pointBytes')),
              table: get('table'),
              tiles,
              runs: get('runs'),
              runCount: 1,
              b: add(get('b'), times(add(mul(panel, POINTS), point), 'pointWeights')),
              y: add(sumsOf(panel), mul(point, POINT_SUMS(vectors))),
              bias: get('zeros'),
              channel: 0,
              columns: 4 * vectors,
              accumulate: 0,
              temporary: scratch,
            });
          });
        });
        f.for(block, endBlock, 1, (panel) => {
          f.for(0, strips, 1, (strip) => {
            locate(add(firstStrip, strip));
            f.set(y, times(add(times(image, 'outHeight'), top), 'outWidth'));
            const channel = mul(panel, 4 * vectors);
            f.call(transform, {
              c,
              sums: sumsOf(panel),
              tile: times(strip, 'columns'),
              rows: min(i32.sub(get('outHeight'), top), OUT),
              y: add(get('y'), mul(add(times(y, 'channels'), channel), bytesOf(output))),
              channel: shl(channel, 2),
              columns: min(i32.sub(get('channels'), channel), 4 * vectors),
              temporary: scratch,
            });
          });
        });
      });
    });
  });
}
