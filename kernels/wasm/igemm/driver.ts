/**
 * The loops around the tile. A unit of work is one or more strips (some output rows of an image), for some of the panels
 * of columns; for each strip the rows of x are staged in scratch with their padding, or read where they lie, and the
 * sums of all its panels are made.
 */
import type { Module, Value } from '../assembler.js';
import type { Target } from '../engine.js';
import * as i32 from '../instructions/i32.js';
import * as v128 from '../instructions/v128.js';
import { type Field, field, LAST } from './context.js';
import { type Arithmetic, emitTile, shapeOf, TEMPORARY } from './tile.js';

/** How rows are staged. */
export interface Staging {
  /** bytes of x that become 16 staged bytes */
  readonly bytes: number;
  load(from: Value<'i32'>, zeroPoint: Value<'v128'>): Value<'v128'>;
  splatZeroPoint?(zeroPoint: Value<'i32'>): Value<'v128'>;
  /** Padding holds the splat zero point, not 0. */
  readonly keepsZeroPoint?: boolean;
}

/** Copies `count` bytes of a row. Writes up to 15 bytes more. */
function emitStage(m: Module, { bytes, load, splatZeroPoint }: Staging) {
  return m.func(
    '',
    { from: 'i32', to: 'i32', count: 'i32', zeroPoint: 'i32' },
    (f, { from, to, count, zeroPoint }) => {
      const zero = f.local('v128', splatZeroPoint?.(zeroPoint));
      f.repeat(
        count,
        () => {
          f.emit(v128.store(to, load(from, zero)));
          f.add(from, bytes);
          f.add(to, 16);
        },
        bytes,
      );
    },
  );
}

/** Padding for `count` bytes, and up to 15 more. */
function emitPadding(m: Module, { keepsZeroPoint, splatZeroPoint }: Staging) {
  return m.func('', { to: 'i32', count: 'i32', zeroPoint: 'i32' }, (f, { to, count, zeroPoint }) => {
    const zero = f.local('v128', keepsZeroPoint === true ? splatZeroPoint?.(zeroPoint) : undefined);
    f.repeat(
      count,
      () => {
        f.emit(v128.store(to, zero));
        f.add(to, 16);
      },
      16,
    );
  });
}

/** Exports `run`. `outputBytes`: of a column of y. */
export function emitProduct(
  m: Module,
  target: Target,
  arithmetic: Arithmetic,
  staging: Staging,
  outputBytes: number,
): void {
  const tile = emitTile(m, target, arithmetic);
  const stage = emitStage(m, staging);
  const pad = emitPadding(m, staging);
  const panelColumns = 4 * (arithmetic.shape ?? shapeOf(target)).vectors;
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const get = (name: Field): Value<'i32'> => field(c, name);
    const times = (i: Value<'i32'>, name: Field): Value<'i32'> => i32.mul(i, get(name));
    const sum = (first: Value<'i32'>, ...rest: Value<'i32'>[]): Value<'i32'> =>
      rest.reduce((a, b) => i32.add(a, b), first);
    const [chunk, firstPanel, endPanel, firstStrip, endStrip, image, strip, kind] = f.locals('i32', 8);
    const [a, from, inRow, count, used, b, y, later, group, column, channel] = f.locals('i32', 11);
    const rowBytes = f.local('i32', get('rowBytes'));
    const leftBytes = f.local('i32', get('leftBytes'));
    const zeroPoint = f.local('i32', get('zeroPoint'));

    f.for(begin, end, 1, (unit) => {
      f.set(chunk, i32.div(unit, get('parts')));
      f.set(firstPanel, times(i32.rem(unit, get('parts')), 'partPanels'));
      f.set(endPanel, i32.min(i32.add(firstPanel, get('partPanels')), get('panels')));
      f.set(firstStrip, times(chunk, 'unitStrips'));
      f.set(endStrip, i32.min(i32.add(firstStrip, get('unitStrips')), get('allStrips')));
      f.for(firstStrip, endStrip, 1, (s) => {
        f.set(image, i32.div(s, get('strips')));
        f.set(strip, i32.rem(s, get('strips')));
        f.set(kind, i32.add(c, i32.mul(LAST, i32.eq(i32.add(strip, 1), get('strips')))));
        f.set(from, sum(get('x'), times(image, 'xImage'), times(strip, 'xStrip')));
        f.set(a, from);
        f.if(get('stagedRows'), () => {
          f.set(inRow, i32.add(times(strip, 'stripRows'), get('firstRow')));
          f.set(count, field(kind, 'rowElements'));
          f.set(used, i32.add(leftBytes, i32.mul(count, 16 / staging.bytes)));
          f.set(a, i32.add(scratch, TEMPORARY));
          f.for(0, get('stagedRows'), 1, () => {
            f.if(
              i32.lt_u(inRow, get('inHeight')),
              () => {
                f.call(pad, { to: a, count: leftBytes, zeroPoint });
                f.call(stage, { from, to: i32.add(a, leftBytes), count, zeroPoint });
                f.call(pad, { to: i32.add(a, used), count: i32.sub(rowBytes, used), zeroPoint });
              },
              () => f.call(pad, { to: a, count: rowBytes, zeroPoint }),
            );
            f.add(inRow, 1);
            f.add(from, get('xRow'));
            f.add(a, rowBytes);
          });
          f.set(a, i32.add(scratch, TEMPORARY));
        });
        f.set(b, sum(get('b'), times(image, 'bImage'), times(strip, 'bStrip')));
        f.set(y, sum(get('y'), times(image, 'yImage'), times(strip, 'yStrip'), times(chunk, 'yUnit')));
        f.set(later, i32.ne(s, firstStrip));
        f.for(firstPanel, endPanel, 1, (panel) => {
          f.set(group, i32.div(panel, get('groupPanels')));
          f.set(column, i32.mul(i32.rem(panel, get('groupPanels')), panelColumns));
          f.set(channel, i32.add(times(group, 'channels'), column));
          f.call(tile, {
            c,
            a: sum(a, times(group, 'aGroup'), times(column, 'aColumn')),
            table: field(kind, 'table'),
            tiles: field(kind, 'tiles'),
            runs: field(kind, 'runs'),
            runCount: field(kind, 'runCount'),
            b: sum(b, times(group, 'bGroup'), times(column, 'bColumn')),
            y: i32.add(y, i32.mul(channel, outputBytes)),
            bias: i32.add(get('bias'), i32.shl(channel, 2)),
            channel: i32.shl(channel, 2),
            columns: i32.min(i32.sub(get('channels'), column), panelColumns),
            accumulate: i32.or(later, get('accumulate')),
            temporary: scratch,
          });
        });
      });
    });
  });
}
