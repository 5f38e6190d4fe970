/**
 * Sum, difference and product of two quantized arrays, with broadcasting: each operand of a run advances or stays.
 *
 * Float numerics computes eight lanes at a time, `f32(combine(a * ma, b * mb) * m)`: of a sum m is 1, of a product ma and mb.
 * Fixed-point numerics looks the scaled operands up, 256 values each, and requantizes lane by lane.
 */
import { forEachPair, type ScaledOperands } from '../../reference/broadcast.js';
import { terms } from '../../reference/qadd.js';
import { factors } from '../../reference/qmul.js';
import type { BinaryParams, FixedRounding, OpParams, QuantizedArray } from '../../types.js';
import type { Module } from '../assembler.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as v128 from '../instructions/v128.js';
import {
  bits,
  FixedRequantizer,
  FloatRequantizer,
  MULTIPLIER,
  outputKind,
  REQUANT_BYTES,
  requantWords,
  SHIFT,
} from '../int8/requantize.js';
import { checked, sampleCodes, type WasmKernel } from '../selfTest.js';
import { byByte, emitRuns, HALVES, loadCodes, Runs, type Steps } from './runs.js';

const LANES = 8;

/** In the head, after the requantization: multiplier and zero point of each operand, or its table. */
const OPERAND_BYTES = 8;

function emitFloat(m: Module, p: BinaryParams, product: boolean, steps: Steps): void {
  emitRuns(m, LANES, steps, (f, { c, a, b }) => {
    const requantizer = new FloatRequantizer(f, c);
    const multiplier = f.local('v128', v128.load32_splat(c, MULTIPLIER));
    const operands = [p.a, p.b].map(({ data }, i) => {
      const at = REQUANT_BYTES + OPERAND_BYTES * i;
      return {
        codes: loadCodes(data instanceof Int8Array, i === 0 ? a : b, steps[i] === 0),
        multiplier: f.local('v128', v128.load32_splat(c, at)),
        zeroPoint: f.local('v128', v128.load16_splat(c, at + 4)),
        less: f.local('v128'), // the codes less their zero point
      };
    });
    const combine = product ? f32x4.mul : f32x4.add;
    return (to) => {
      for (const o of operands) f.set(o.less, i16x8.sub(o.codes, o.zeroPoint));
      const [low, high] = HALVES.map((half) => {
        const [u, v] = operands.map((o) => f32x4.mul(f32x4.convert_i32x4_s(half(o.less)), o.multiplier));
        return requantizer.round(f32x4.mul(combine(u, v), multiplier));
      });
      f.emit(v128.store64_lane(to, requantizer.bytes(typeOf(p.y), low, high), 0));
    };
  });
}

const typeOf = ({ data }: QuantizedArray): 'int8' | 'uint8' => (data instanceof Int8Array ? 'int8' : 'uint8');

function emitFixed(m: Module, rounding: FixedRounding, product: boolean, steps: Steps): void {
  emitRuns(m, LANES, steps, (f, { c, a, b }) => {
    const requantizer = new FixedRequantizer(f, rounding, c);
    const [multiplier, shift, ...tables] = [
      MULTIPLIER,
      SHIFT,
      REQUANT_BYTES,
      REQUANT_BYTES + OPERAND_BYTES,
    ].map((at) => f.local('i32', i32.load(c, at)));
    const combine = product ? i32.mul : i32.add;
    return (to) => {
      for (let i = 0; i < LANES; i++) {
        const [u, v] = [a, b].map((from, k) =>
          i32.load(i32.add(tables[k], i32.shl(i32.load8_u(from, i * steps[k]), 2))),
        );
        f.emit(i32.store8(to, requantizer.code(combine(u, v), multiplier, shift), i));
      }
    };
  });
}

interface Rows {
  readonly steps: Steps;
  /** elements of a row, along which each operand advances or stays */
  readonly inner: number;
  /** axes of y that are walked row by row, and the shapes seen with them */
  readonly axes: number;
  readonly shapes: readonly [a: number[], b: number[], y: number[]];
}

function rowsOf({ aShape, bShape, yShape }: BinaryParams): Rows {
  const padded = (shape: readonly number[]): number[] => [
    ...new Array<number>(yShape.length - shape.length).fill(1),
    ...shape,
  ];
  const [a, b, y] = [padded(aShape), padded(bShape), [...yShape]];
  let axes = y.length;
  let inner = 1;
  let steps: Steps | undefined;
  while (axes > 0) {
    const i = axes - 1;
    if (y[i] !== 1) {
      const [stepA, stepB] = [Number(a[i] !== 1), Number(b[i] !== 1)];
      steps ??= [stepA, stepB, 1];
      if (steps[0] !== stepA || steps[1] !== stepB) break;
    }
    inner *= y[i];
    axes = i;
  }
  return { steps: steps ?? [1, 1, 1], inner, axes, shapes: [a, b, y] };
}

function kindOf(p: BinaryParams, { requant }: ScaledOperands): string {
  const { steps } = rowsOf(p);
  return `${outputKind(requant, p.y.data)} of ${typeOf(p.a)} and ${typeOf(p.b)} ${steps}`;
}

function binaryKernel<O extends 'qadd' | 'qmul'>(
  op: O,
  product: boolean,
  scaled: (p: OpParams[O]) => ScaledOperands,
): WasmKernel<O> {
  return {
    op,
    name: `q8-${op}-wasmsimd`,
    bound: 0,
    supports: () => true,
    kind: (p) => kindOf(p, scaled(p)),
    sample: (like) => {
      const [n, steps] = [19, rowsOf(like).steps];
      const operand = (x: QuantizedArray, length: number, scale: number): QuantizedArray => ({
        ...x,
        data: sampleCodes(x.data, length),
        scale,
      });
      const [aLength, bLength] = steps.map((step) => (step === 0 ? 1 : n));
      const y = operand(like.y, n, product ? 64 : 2);
      const params = {
        ...like,
        aShape: [aLength],
        bShape: [bLength],
        yShape: [n],
        a: operand(like.a, aLength, 1),
        b: operand(like.b, bLength, 1),
        y,
      };
      return { params, output: y.data };
    },
    prepare: (p, memory) => {
      const operands = scaled(p);
      const { requant } = operands;
      const { steps, inner, axes, shapes } = rowsOf(p);
      const runs = new Runs(memory);
      const { binding } = runs;
      const head = requantWords(requant);
      for (const [x, value] of [
        [p.a, operands.a],
        [p.b, operands.b],
      ] as const)
        head.push(
          ...(requant.numerics === 'float'
            ? [bits(value(x.zeroPoint + 1)), x.zeroPoint]
            : [binding.constant('int32', byByte(x.data, value)), 0]),
        );
      const [a, b, y] = [binding.read(p.a.data), binding.read(p.b.data), binding.write(p.y.data)];
      const [aOuter, bOuter, yOuter] = shapes.map((shape) => shape.slice(0, axes));
      forEachPair(aOuter, bOuter, yOuter, (i, ia, ib) =>
        runs.add(steps, a + ia * inner ** steps[0], b + ib * inner ** steps[1], y + i * inner, inner),
      );
      return runs.finish(
        `${op} ${kindOf(p, operands)}`,
        (m) => {
          if (requant.numerics === 'float') emitFloat(m, p, product, steps);
          else emitFixed(m, requant.rounding, product, steps);
        },
        head,
        32,
      );
    },
  };
}

export const binaryKernels = [
  checked(binaryKernel('qadd', false, terms)),
  checked(binaryKernel('qmul', true, factors)),
];
