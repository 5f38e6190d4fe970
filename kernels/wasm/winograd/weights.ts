/** Weights of Winograd convolutions: [panel][point][word][channel of the panel][element], transformed in float32. */
import type { CodeArray } from '../../types.js';
import type { Module, Value } from '../assembler.js';
import { Binding, layout } from '../binding.js';
import { lazyModule, type Target } from '../engine.js';
import { shapeOf } from '../igemm/tile.js';
import * as f32 from '../instructions/f32.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as v128 from '../instructions/v128.js';
import { POINTS, TILE, weightTransform } from './transforms.js';

const context = layout(
  /** float32; bytes from one to the next tap, input channel, output channel */
  'from',
  'tap',
  'input',
  'output',
  /** input channels, output channels */
  'depth',
  'channels',
  'to',
  'pointWeights',
);
type Field = (typeof context.names)[number];

const TAPS = 9;

/** Transforms the filters of one input channel and one panel of output channels. */
function emitFilters(m: Module, whole: boolean, vectors: number) {
  const columns = 4 * vectors;
  const row = 16 * vectors;
  const params = { c: 'i32', from: 'i32', last: 'i32', to: 'i32', scratch: 'i32' } as const;
  return m.func('', params, (f, { c, from, last, to, scratch }) => {
    const get = (name: Field): Value<'i32'> => i32.load(c, context.offset[name]);
    const tap = f.local('i32', get('tap'));
    const point = f.local('i32', get('pointWeights'));
    const filters = f.locals('i32', columns);
    const [count, source, target] = f.locals('i32', 3);
    const w = f.locals('v128', 3);
    const transform = (step: number, j: number, store: (i: number, v: Value<'v128'>) => void): void => {
      w.forEach((v, i) => f.set(v, v128.load(source, i * step + 16 * j)));
      weightTransform(f, w, whole, store);
    };
    // channels beyond the last one repeat it
    filters.forEach((w, i) => f.set(w, i32.add(from, i32.mul(i32.min(i, last), get('output')))));
    f.set(target, scratch);
    f.set(count, i32.const(TAPS));
    f.repeatAtLeastOnce(count, () => {
      filters.forEach((w, i) => {
        f.emit(f32.store(target, f32.load(w), 4 * i));
        f.add(w, tap);
      });
      f.add(target, 4 * columns);
    });
    f.set(source, scratch);
    f.set(count, i32.const(3));
    f.repeatAtLeastOnce(count, () => {
      for (let j = 0; j < vectors; j++)
        transform(3 * row, j, (i, v) => f.emit(v128.store(target, v, 3 * i * row + 16 * j)));
      f.add(source, row);
      f.add(target, row);
    });
    f.set(source, i32.add(scratch, TAPS * row));
    f.set(count, i32.const(TILE));
    f.repeatAtLeastOnce(count, () => {
      for (let j = 0; j < vectors; j++) {
        f.set(target, to);
        transform(row, j, (_, v) => {
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
}

/** Exports `run` over panels. */
function emitWeights(m: Module, target: Target, whole: boolean): void {
  const { vectors } = shapeOf(target);
  const filters = emitFilters(m, whole, vectors);
  m.func('run', { c: 'i32', begin: 'i32', end: 'i32', scratch: 'i32' }, (f, { c, begin, end, scratch }) => {
    const times = (n: Value<'i32'>, name: Field): Value<'i32'> =>
      i32.mul(n, i32.load(c, context.offset[name]));
    const one = i32.const(1);
    f.for(begin, end, 1, (panel) => {
      const channel = i32.mul(panel, 4 * vectors);
      f.for(0, times(one, 'depth'), 1, (k) => {
        // two int16 or one float32 are a word
        const word = whole
          ? i32.add(i32.mul(i32.shr(k, 1), 16 * vectors), i32.shl(i32.and(k, 1), 1))
          : i32.mul(k, 16 * vectors);
        f.call(filters, {
          c,
          from: i32.add(times(one, 'from'), i32.add(times(channel, 'output'), times(k, 'input'))),
          last: i32.sub(i32.sub(times(one, 'channels'), channel), 1),
          to: i32.add(i32.add(times(one, 'to'), times(i32.mul(panel, POINTS), 'pointWeights')), word),
          scratch,
        });
      });
    });
  });
}

const [floatModule, integerModule] = [false, true].map((whole) =>
  lazyModule((m, target) => emitWeights(m, target, whole)),
);

/** Filters as they lie in memory: elements from one to the next input channel, output channel, tap; the first tap. */
export interface Filters {
  readonly w: Float32Array | CodeArray;
  readonly wZeroPoint: number;
  readonly depth: number;
  readonly channels: number;
  readonly steps: readonly [input: number, output: number, tap: number, first: number];
}

/** The packed weights: now for codes, at each call for float32, which may have changed. */
export function packWeights(binding: Binding, { w, wZeroPoint, depth, channels, steps }: Filters) {
  const { engine } = binding;
  const { vectors } = shapeOf(engine.target);
  const whole = !(w instanceof Float32Array);
  const words = whole ? Math.ceil(depth / 2) : depth;
  // the line between points keeps them out of each other's cache sets
  const pointWeights = words * 16 * vectors + 64;
  const panels = Math.ceil(channels / (4 * vectors));
  const to = binding.allocate('int8', panels * POINTS * pointWeights).byteOffset;
  const [input, output, tap, first] = steps.map((s) => 4 * s);
  const fields = { tap, input, output, depth, channels, to, pointWeights };
  const scratch = (TAPS + 3 * TILE) * 16 * vectors;
  const calls: (() => void)[] = [];
  if (whole)
    engine.memory.scope(() => {
      const once = new Binding(engine.memory);
      const from = once.constant(
        'float32',
        Float32Array.from(w, (v) => v - wZeroPoint),
      );
      const address = once.context(context, { ...fields, from: from + first });
      once.call(integerModule(), 'run', address, panels, 0, scratch)();
    });
  else {
    const address = binding.context(context, { ...fields, from: binding.read(w) + first });
    calls.push(binding.call(floatModule(), 'run', address, panels, POINTS * depth * channels, scratch));
  }
  return { b: to, words, pointWeights, panels, calls };
}
