/** Weights of Winograd convolutions: [panel][point][word][channel of the panel][element], transformed in float32. */
import type { CodeArray } from '../../types.js';
import type { Module, Value } from '../assembler.js';
import { Binding, layout } from '../binding.js';
import { compiledOnce, type Target } from '../engine.js';
import { packRight } from '../float/pack.js';
import { planPanels } from '../igemm/plan.js';
import { shapeOf } from '../igemm/tile.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';
import { POINTS, TILE, weightTransform } from './transforms.js';

/** From filters as [panel][tap][depth][channel of the panel]. */
const context = layout('from', 'to', 'depth', 'pointWeights');

/** Exports `run` over panels. @param whole to int16 */
function emitWeights(m: Module, target: Target, whole: boolean): void {
  const { vectors } = shapeOf(target);
  const row = 16 * vectors;
  const params = { from: 'i32', to: 'i32', tap: 'i32', point: 'i32', scratch: 'i32' } as const;
  // the filters of one input channel
  const filters = m.func('', params, (f, { from, to, tap, point, scratch }) => {
    const [count, source, target] = f.locals('i32', 3);
    const w = f.locals('v128', 3);
    f.set(target, scratch);
    f.set(count, i32.const(3));
    f.repeatAtLeastOnce(count, () => {
      for (let j = 0; j < vectors; j++) {
        f.set(source, from);
        w.forEach((v) => {
          f.set(v, v128.load(source, 16 * j));
          f.add(source, i32.mul(tap, 3));
        });
        weightTransform(f, w, whole, (i, v) => f.emit(v128.store(target, v, 3 * i * row + 16 * j)));
      }
      f.add(from, tap);
      f.add(target, row);
    });
    f.set(source, scratch);
    f.set(count, i32.const(TILE));
    f.repeatAtLeastOnce(count, () => {
      for (let j = 0; j < vectors; j++) {
        f.set(target, to);
        w.forEach((v, i) => f.set(v, v128.load(source, i * row + 16 * j)));
        weightTransform(f, w, whole, (_, v) => {
          if (whole) {
            const codes = f.local('v128', i32x4.trunc_sat_f32x4_s(v));
            for (let lane = 0; lane < 4; lane++)
              f.emit(v128.store16_lane(target, codes, 2 * lane, 16 * j + 4 * lane));
          } else f.emit(v128.store(target, v, 16 * j));
          f.add(target, point);
        });
      }
      f.add(source, 3 * row);
      f.add(to, i32.mul(point, TILE));
    });
  });
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const [from, to, depth, point] = context.names.map((name) =>
      f.local('i32', i32.load(c, context.offset[name])),
    );
    const tap = f.local('i32', i32.mul(depth, row));
    f.for(begin, end, 1, (panel) => {
      f.for(0, depth, 1, (k) => {
        // a word is one float32 or two int16
        const word: Value<'i32'> = whole
          ? i32.add(i32.mul(i32.shr(k, 1), row), i32.shl(i32.and(k, 1), 1))
          : i32.mul(k, row);
        f.call(filters, {
          from: i32.add(from, i32.add(i32.mul(panel, i32.mul(tap, 9)), i32.mul(k, row))),
          to: i32.add(to, i32.add(i32.mul(panel, i32.mul(point, POINTS)), word)),
          tap,
          point,
          scratch,
        });
      });
    });
  });
}

/** Filters as they lie in memory: elements from one to the next input channel, output channel, tap; the first tap. */
export interface Filters {
  readonly w: Float32Array | CodeArray;
  readonly wZeroPoint?: number;
  readonly depth: number;
  readonly channels: number;
  readonly steps: readonly [input: number, output: number, tap: number, first: number];
}

/** The packed weights: now for codes, at each call for float32, which may have changed. */
export function packWeights(binding: Binding, { w, wZeroPoint = 0, depth, channels, steps }: Filters) {
  const { engine } = binding;
  const whole = !(w instanceof Float32Array);
  const panels = planPanels(binding, 1, channels, depth);
  const words = whole ? Math.ceil(depth / 2) : depth;
  // the line between points keeps them out of each other's cache sets
  const pointWeights = words * 4 * panels.columns + 64;
  const to = binding.allocate('int8', panels.panels * POINTS * pointWeights).byteOffset;
  const [depthStep, columnStep, tap, first] = steps.map((s) => 4 * s);
  const pack = (by: Binding, from: number): (() => void)[] => {
    const stretches = Array.from({ length: 9 }, (_, i) => first + i * tap);
    const packed = packRight(
      by,
      { from, stretches, length: depth, depthStep, columnStep, groupStep: 0 },
      panels,
    );
    const address = by.context(context, { from: packed.address, to, depth, pointWeights });
    const module = compiledOnce(`winograd weights ${whole}`, (m, target) => emitWeights(m, target, whole));
    const work = POINTS * depth * channels;
    return [packed.call, by.call(module, 'run', address, panels.panels, work, 72 * panels.columns)];
  };
  let calls: (() => void)[] = [];
  if (w instanceof Float32Array) calls = pack(binding, binding.read(w));
  else
    engine.memory.scope(() => {
      const once = new Binding(engine.memory);
      const from = once.constant(
        'float32',
        Float32Array.from(w, (v) => v - wZeroPoint),
      );
      once.finish(...pack(once, from))();
    });
  return { b: to, words, pointWeights, panels: panels.panels, calls };
}
