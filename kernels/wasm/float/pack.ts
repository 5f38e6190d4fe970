/** Right operands of float products: `pack` gathers one into panels of columns, [panel][depth][column]. */
import type { Module, Value } from '../assembler.js';
import { type Binding, layout } from '../binding.js';
import { compiledOnce, type Target } from '../engine.js';
import { tileVectors } from '../igemm/tile.js';
import * as i32 from '../instructions/i32.js';
import * as i8x16 from '../instructions/i8x16.js';
import * as v128 from '../instructions/v128.js';

const packing = layout(
  'from',
  'to',
  /** offsets of the stretches of the depth in bytes, how many, steps of one */
  'stretches',
  'stretchCount',
  'length',
  'depthStep',
  'columnStep',
  'groupStep',
  'groupPanels',
  'channels',
  'panelBytes',
);

/** For shuffles of 32-bit lanes. */
export const words = (...lanes: number[]): number[] =>
  lanes.flatMap((l) => [0, 1, 2, 3].map((b) => 4 * l + b));

function emitPack(m: Module, target: Target): void {
  const columns = 4 * tileVectors(target);
  m.func('pack', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end }) => {
    const get = (name: (typeof packing.names)[number]): Value<'i32'> => i32.load(c, packing.offset[name]);
    const length = f.local('i32', get('length'));
    const depthStep = f.local('i32', get('depthStep'));
    const columnStep = f.local('i32', get('columnStep'));
    const [from, to, column, last, left, stretch, stretches] = f.locals('i32', 7);
    const p = f.locals('i32', columns);
    const v = f.locals('v128', 4);
    f.for(begin, end, 1, (panel) => {
      f.set(column, i32.mul(i32.rem(panel, get('groupPanels')), columns));
      f.set(last, i32.sub(i32.sub(get('channels'), column), 1));
      f.set(
        from,
        i32.add(
          i32.add(get('from'), i32.mul(column, columnStep)),
          i32.mul(i32.div(panel, get('groupPanels')), get('groupStep')),
        ),
      );
      f.set(to, i32.add(get('to'), i32.mul(panel, get('panelBytes'))));
      f.set(stretch, get('stretches'));
      f.set(stretches, get('stretchCount'));
      f.repeat(stretches, () => {
        p.forEach((pj, j) =>
          f.set(pj, i32.add(i32.add(from, i32.load(stretch)), i32.mul(i32.min(j, last), columnStep))),
        );
        f.set(left, length);
        f.if(
          i32.eq(columnStep, 4),
          () =>
            f.repeat(left, () => {
              for (let j = 0; j < columns; j += 4) f.emit(v128.store(to, v128.load(p[0], 4 * j), 4 * j));
              f.add(p[0], depthStep);
              f.add(to, 4 * columns);
            }),
          () => {
            f.if(i32.eq(depthStep, 4), () => {
              // 4x4 transposes, while four steps are left
              f.add(left, -3);
              f.repeat(
                left,
                () => {
                  for (let j = 0; j < columns; j += 4) {
                    v.forEach((vi, i) => f.set(vi, v128.load(p[j + i])));
                    const [a, b, d, e] = v;
                    const pairs = [words(0, 4, 1, 5), words(2, 6, 3, 7)];
                    const halves = [words(0, 1, 4, 5), words(2, 3, 6, 7)];
                    for (let i = 0; i < 4; i++) {
                      const row = i8x16.shuffle(
                        i8x16.shuffle(a, b, pairs[i >> 1]),
                        i8x16.shuffle(d, e, pairs[i >> 1]),
                        halves[i & 1],
                      );
                      f.emit(v128.store(to, row, 4 * (i * columns + j)));
                    }
                  }
                  p.forEach((pj) => f.add(pj, 16));
                  f.add(to, 16 * columns);
                },
                4,
              );
              f.add(left, 3);
            });
            f.repeat(left, () => {
              p.forEach((pj, j) => f.emit(i32.store(to, i32.load(pj), 4 * j)));
              p.forEach((pj) => f.add(pj, depthStep));
              f.add(to, 4 * columns);
            });
          },
        );
        f.add(stretch, 4);
      });
    });
  });
}

/** A right operand: element (step i of stretch s, column j of group g) at from + s + i * depth + j * column + g * group. */
export interface Right {
  readonly from: number;
  readonly stretches: readonly number[];
  readonly length: number;
  /** in bytes */
  readonly depthStep: number;
  readonly columnStep: number;
  readonly groupStep: number;
}

/** The call that packs `right`, and where it goes. */
export function packRight(
  binding: Binding,
  { from, stretches, length, depthStep, columnStep, groupStep }: Right,
  {
    panels,
    groupPanels,
    channels,
  }: { readonly panels: number; readonly groupPanels: number; readonly channels: number },
): { readonly call: () => void; readonly address: number } {
  const columns = 4 * tileVectors(binding.engine.target);
  const panelBytes = 4 * columns * stretches.length * length;
  const address = binding.allocate('float32', (panels * panelBytes) / 4).byteOffset;
  const context = binding.context(packing, {
    from,
    to: address,
    stretches: binding.constant('int32', stretches),
    stretchCount: stretches.length,
    length,
    depthStep,
    columnStep,
    groupStep,
    groupPanels,
    channels,
    panelBytes,
  });
  const call = binding.call(
    compiledOnce('pack', emitPack),
    'pack',
    context,
    panels,
    (panels * panelBytes) / 4,
  );
  return { call, address };
}
