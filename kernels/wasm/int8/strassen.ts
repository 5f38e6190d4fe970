/**
 * Products of codes by two levels of Strassen's algorithm: 49 products of quarters of the depth, of the rows and of the
 * columns instead of 64. Exact, for sums run modulo 2^32 and what is multiplied fits int16: combinations of four codes.
 *
 * Four rows of x next to each other are a quad; columns and depth are cut into quarters. A unit of work combines some quads
 * to 49 matrices [quad][depth of a quarter], multiplies them by the matrices of weights, combined when they are packed as
 * [panel][product][word][column], and combines the sums [quad][product][column] to those of the 16 blocks.
 */
import type { Func, Module, Statement, Value } from '../assembler.js';
import { layout } from '../binding.js';
import type { Target } from '../engine.js';
import { context as shared } from '../igemm/context.js';
import { emitStore, emitTile, shapeOf, TEMPORARY, TILE_ROWS } from '../igemm/tile.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';
import { arithmetic } from './gemm.js';
import { bytesOf, type OutputKind } from './requantize.js';

/** Strassen, Gaussian elimination is not optimal (1969): blocks 11, 12, 21, 22 of the factors in products I to VII. */
const LEFT = ['+00+', '00++', '+000', '000+', '++00', '-0+0', '0+0-'];
export const RIGHT = ['+00+', '+000', '0+0-', '-0+0', '000+', '++00', '00++'];
/** Products in the blocks 11, 12, 21, 22. */
const RESULT = ['+00+-0+', '00+0+00', '0+0+000', '+-+00+0'];
export const PRODUCTS = 49;
/** Bytes of what the inner level makes: 7 x 4 vectors. */
export const HALF = 28 * 16;

export const context = layout(
  ...shared.names,
  /** what sums start with */
  'zeros',
  'rows',
  /** codes of a quarter of the depth, columns of one of the columns */
  'depth',
  'quarter',
  /** of a unit */
  'quads',
  /** bytes of a matrix, of its weights for a panel */
  'pointBytes',
  'pointWeights',
);
type Field = (typeof context.names)[number];
const { add, mul, min, shl } = i32;

/** Twice signed sums as `rows` say, the inner level first, into `half`. */
function combine(
  f: Func,
  rows: readonly string[],
  { add, sub }: Pick<typeof i32x4, 'add' | 'sub'>,
  half: Value<'i32'>,
  load: (outer: number, inner: number) => Value<'v128'>,
  to: (outer: number, inner: number, v: Value<'v128'>) => Statement,
): void {
  const [inputs, outputs] = [rows[0].length, rows.length];
  const d = f.locals('v128', inputs);
  const level = (
    from: (i: number) => Value<'v128'>,
    into: (o: number, v: Value<'v128'>) => Statement,
  ): void => {
    d.forEach((v, i) => f.set(v, from(i)));
    rows.forEach((row, o) => {
      const first = row.indexOf('+');
      const sum = d.reduce<Value<'v128'>>(
        (v, x, i) => (i === first || row[i] === '0' ? v : row[i] === '+' ? add(v, x) : sub(v, x)),
        d[first],
      );
      f.emit(into(o, sum));
    });
  };
  const place = (outer: number, inner: number): number => 16 * (outer * outputs + inner);
  for (let i = 0; i < inputs; i++)
    level(
      (inner) => load(i, inner),
      (o, v) => v128.store(half, v, place(i, o)),
    );
  for (let o = 0; o < outputs; o++)
    level(
      (i) => v128.load(half, place(i, o)),
      (outer, v) => to(outer, o, v),
    );
}

/** Exports `run` over units. */
export function emitStrassen(m: Module, target: Target, kind: OutputKind, signed: boolean): void {
  const { vectors } = shapeOf(target);
  const field = (c: Value<'i32'>, name: Field): Value<'i32'> => i32.load(c, context.offset[name]);
  const quadSums = PRODUCTS * 16 * vectors;
  const columns = 4 * vectors;
  const integer = arithmetic('int32');
  const product = emitTile(m, target, {
    madd: integer.madd,
    output: (f, p) => ({ ...integer.output(f, p), direct: true }),
  });
  const rows = { r0: 'i32', r1: 'i32', r2: 'i32', r3: 'i32' } as const;
  const split = m.func('', { ...rows, c: 'i32', to: 'i32', half: 'i32' }, (f, { c, to, half, ...from }) => {
    const row = Object.values(from);
    const depth = f.local('i32', field(c, 'depth'));
    const point = f.local('i32', field(c, 'pointBytes'));
    const zero = f.local('v128', i16x8.splat(field(c, 'zeroPoint')));
    const left = f.local('i32');
    f.set(left, depth);
    f.repeatAtLeastOnce(
      left,
      () => {
        combine(
          f,
          LEFT,
          i16x8,
          half,
          (o, i) => {
            const place = add(row[(o & 2) + (i >> 1)], mul(depth, 2 * (o & 1) + (i & 1)));
            return i16x8.sub((signed ? v128.load8x8_s : v128.load8x8_u)(place), zero);
          },
          (o, i, v) => v128.store(add(to, mul(point, 7 * o + i)), v),
        );
        for (const r of row) f.add(r, 8);
        f.add(to, 16);
      },
      8,
    );
  });
  const join = m.func('', { sums: 'i32', quads: 'i32', half: 'i32' }, (f, { sums, quads, half }) => {
    f.repeatAtLeastOnce(quads, () => {
      for (let j = 0; j < vectors; j++)
        combine(
          f,
          RESULT,
          i32x4,
          half,
          (o, i) => v128.load(sums, 16 * (vectors * (7 * o + i) + j)),
          // [column quarter][row]
          (o, i, v) =>
            v128.store(sums, v, 16 * (vectors * (8 * (o & 1) + 4 * (i & 1) + (o & 2) + (i >> 1)) + j)),
        );
      f.add(sums, quadSums);
    });
  });
  const params = {
    c: 'i32',
    sums: 'i32',
    row: 'i32',
    quads: 'i32',
    y: 'i32',
    channel: 'i32',
    columns: 'i32',
    temporary: 'i32',
  } as const;
  const finish = m.func('', params, (f, p) => {
    const store = emitStore(f, arithmetic(kind).output(f, { ...p, vectors }), p, vectors);
    const stride = f.local('i32', mul(field(p.c, 'channels'), bytesOf(kind)));
    const last = f.local('i32', i32.sub(field(p.c, 'rows'), 1));
    const bias = f.local('i32', add(field(p.c, 'bias'), p.channel));
    const sums = Array.from({ length: 4 }, () => f.locals('v128', vectors));
    f.repeatAtLeastOnce(p.quads, () => {
      sums.forEach((s, i) =>
        s.forEach((v, j) =>
          f.set(v, i32x4.add(v128.load(p.sums, 16 * (i * vectors + j)), v128.load(bias, 16 * j))),
        ),
      );
      store(sums, (i) => add(p.y, mul(min(add(p.row, i), last), stride)));
      f.add(p.row, 4);
      f.add(p.sums, quadSums);
    });
  });
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const get = (name: Field): Value<'i32'> => field(c, name);
    const half = f.local('i32', add(scratch, TEMPORARY));
    const matrices = f.local('i32', add(half, HALF));
    const sums = f.local('i32', add(matrices, mul(get('pointBytes'), PRODUCTS)));
    const last = f.local('i32', i32.sub(get('rows'), 1));
    const [chunk, firstPanel, endPanel, firstRow, quads, to, row, column] = f.locals('i32', 8);
    f.for(begin, end, 1, (unit) => {
      f.set(chunk, i32.div(unit, get('parts')));
      f.set(firstPanel, mul(i32.rem(unit, get('parts')), get('partPanels')));
      f.set(endPanel, min(add(firstPanel, get('partPanels')), get('panels')));
      f.set(firstRow, mul(chunk, shl(get('quads'), 2)));
      f.set(quads, min(get('quads'), i32.shr(add(i32.sub(get('rows'), firstRow), 3), 2)));
      f.set(to, matrices);
      f.set(row, firstRow);
      f.for(0, quads, 1, () => {
        const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) =>
          add(get('x'), mul(min(add(row, i), last), get('xRow'))),
        );
        f.call(split, { r0, r1, r2, r3, c, to, half });
        f.add(to, shl(get('depth'), 1));
        f.add(row, 4);
      });
      f.for(firstPanel, endPanel, 1, (panel) => {
        f.for(0, PRODUCTS, 1, (point) => {
          f.call(product, {
            c,
            a: add(matrices, mul(point, get('pointBytes'))),
            table: get('table'),
            tiles: i32.shr(add(quads, TILE_ROWS - 1), 2),
            runs: get('runs'),
            runCount: 1,
            b: add(get('b'), mul(add(mul(panel, PRODUCTS), point), get('pointWeights'))),
            y: add(sums, mul(point, 16 * vectors)),
            bias: get('zeros'),
            channel: 0,
            columns,
            accumulate: 0,
            temporary: scratch,
          });
        });
        f.call(join, { sums, quads, half });
        f.set(column, mul(panel, columns));
        f.for(0, 4, 1, (q) => {
          f.if(i32.lt(column, get('channels')), () => {
            f.call(finish, {
              c,
              sums: add(sums, mul(q, 64 * vectors)),
              row: firstRow,
              quads,
              y: add(get('y'), mul(column, bytesOf(kind))),
              channel: shl(column, 2),
              columns: min(i32.sub(get('channels'), column), columns),
              temporary: scratch,
            });
          });
          f.add(column, get('quarter'));
        });
      });
    });
  });
}
