/** Float32 products on the implicit GEMM: compiled variants, and a product whose rows are the positions of windows. */
import type { FloatArray } from '../../types.js';
import type { Value } from '../assembler.js';
import type { Binding } from '../binding.js';
import { type Compiled, compiledOnce, type Target } from '../engine.js';
import { emitProduct } from '../igemm/driver.js';
import {
  callProduct,
  type Outputs,
  planRuns,
  planPanels,
  planPositions,
  planStrips,
  tapRuns,
  type Windows,
} from '../igemm/plan.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i32 from '../instructions/i32.js';
import * as v128 from '../instructions/v128.js';
import { packRight, type Right } from './pack.js';

/**
 * Allowed difference from the reference, relative to the largest value, per step of the depth: each of K additions
 * rounds once, by 2^-24 of a sum that is seldom as large as the largest, and errors of either sign cancel.
 */
export const ROUNDING = 2 ** -23;

/** Bound of the self-tests. */
export const SAMPLE_BOUND = 300 * ROUNDING;

/** - dense: neighbours along the depth are neighbours in memory
 *  - strided: steps of any length
 *  - elementwise: steps of any length, rows with a value for each column */
type Variant = 'dense' | 'strided' | 'elementwise';

/** sum + x * w */
export const madd =
  ({ fma }: Target) =>
  (sum: Value<'v128'>, x: Value<'v128'>, w: Value<'v128'>): Value<'v128'> =>
    fma ? f32x4.relaxed_madd(x, w, sum) : f32x4.add(sum, f32x4.mul(x, w));

export function compiledProduct(variant: Variant): Compiled {
  return compiledOnce(`product ${variant}`, (m, target) =>
    emitProduct(
      m,
      target,
      {
        elementwise: variant === 'elementwise',
        strided: variant !== 'dense',
        madd: madd(target),
        output: (f) => ({
          bytes: 4,
          temporaryBytes: 4,
          load: v128.load,
          store: (to, sums) => sums.forEach((s, j) => f.emit(v128.store(to, s, 16 * j))),
          move: (to, from) => f.emit(i32.store(to, i32.load(from))),
        }),
      },
      { bytes: 16, load: (from) => v128.load(from) },
      4,
    ),
  );
}

export const areFloat32 = (...arrays: (FloatArray | null)[]): boolean =>
  arrays.every((a) => a === null || (a instanceof Float32Array && a.length > 0));

export interface Product {
  readonly windows: Windows;
  readonly groups: number;
  /** columns of a group */
  readonly channels: number;
  /** depthwise: groups of one channel, all in one */
  readonly elementwise: boolean;
  /** addresses; bias null for none */
  readonly x: number;
  readonly right: Right;
  readonly bias: FloatArray | null;
  readonly y: number;
  readonly accumulate: boolean;
  readonly outputs: Outputs;
}

/** The calls of a product whose rows are positions of windows and whose depth is their taps. */
export function planProduct(
  binding: Binding,
  p: Product,
  strips = planStrips(p.windows, p.elementwise ? ELEMENTWISE_POSITIONS : undefined),
  depthStep = 4,
): (() => void)[] {
  const { windows, channels, elementwise } = p;
  const groups = elementwise ? 1 : p.groups;
  const inner = elementwise ? 1 : windows.channels / groups;
  const { taps } = windows.horizontal;
  const aStep = elementwise ? ((taps[1] ?? taps[0]) - taps[0]) * windows.channels * 4 : depthStep;
  const runs = elementwise
    ? (taps.length === 0 ? [] : windows.vertical.taps).map((y) => ({
        start: strips.offset(y - strips.top, taps[0] - strips.left),
        words: taps.length,
      }))
    : tapRuns(windows, strips, inner).map(({ start, elements }) => ({ start, words: elements }));
  const depth = runs.reduce((sum, { words }) => sum + words, 0);
  const panels = planPanels(binding, groups, channels, depth);
  const packed = packRight(binding, p.right, panels);
  const { batch, vertical, horizontal } = windows;
  const fields = [
    strips.fields,
    panels,
    planRuns(binding, runs, aStep),
    planPositions(binding, windows, strips, p.outputs),
    {
      x: p.x + strips.fields.x,
      b: packed.address,
      y: p.y,
      bias:
        p.bias === null ? binding.allocate('float32', groups * channels).byteOffset : binding.read(p.bias),
      accumulate: p.accumulate ? 1 : 0,
      aGroup: inner * 4,
      aColumn: elementwise ? 4 : 0,
      aStep,
      bStep: 4 * panels.columns,
    },
  ];
  const work = 2 * batch * vertical.positions * horizontal.positions * groups * channels * depth;
  const module = compiledProduct(elementwise ? 'elementwise' : depthStep === 4 ? 'dense' : 'strided');
  return [packed.call, callProduct(binding, module, fields, work, strips.scratchBytes)];
}

/** Depthwise kernels read a cell a few times only: higher strips, so that few rows are staged twice. */
const ELEMENTWISE_POSITIONS = 512;
