/**
 * Sum, difference and product of two quantized arrays, with broadcasting: each operand of a run advances or stays.
 *
 * Float numerics computes eight lanes at a time, `f32(combine(a * ma, b * mb) * m)`: of a sum m is 1, of a product ma and mb.
 * Fixed-point numerics looks the scaled operands up, 256 values each, and requantizes lane by lane.
 */
import { forEachPair, type ScaledOperands } from '../../reference/broadcast.js';
import { terms } from '../../reference/qadd.js';
import { factors } from '../../reference/qmul.js';
import type { BinaryParams, Kernel, OpParams } from '../../types.js';
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
  type OutputKind,
  outputKind,
  REQUANT_BYTES,
  requantWords,
  SHIFT,
} from '../int8/requantize.js';
import { sampleCodes } from '../selfTest.js';
import { byByte, emitRuns, HALVES, isSigned, loadCodes, runKernel, type Steps } from './runs.js';

const LANES = 8;

/** In the head, after the requantization: multiplier and zero point of each operand, or its table. */
const OPERANDS = [REQUANT_BYTES, REQUANT_BYTES + 8];

interface Variant {
  readonly product: boolean;
  readonly output: OutputKind;
  /** Are the codes of a and b signed? */
  readonly signed: readonly boolean[];
  readonly steps: Steps;
}

function emitFloat(m: Module, { product, output, signed, steps }: Variant): void {
  emitRuns(m, LANES, steps, (f, { c, a, b }) => {
    const requantizer = new FloatRequantizer(f, c);
    const multiplier = f.local('v128', v128.load32_splat(c, MULTIPLIER));
    const operands = OPERANDS.map((at, i) => ({
      codes: loadCodes(signed[i], i === 0 ? a : b, steps[i] === 0),
      multiplier: f.local('v128', v128.load32_splat(c, at)),
      zeroPoint: f.local('v128', v128.load16_splat(c, at + 4)),
      less: f.local('v128'), // the codes less their zero point
    }));
    const combine = product ? f32x4.mul : f32x4.add;
    return (to) => {
      for (const o of operands) f.set(o.less, i16x8.sub(o.codes, o.zeroPoint));
      const [low, high] = HALVES.map((half) => {
        const [u, v] = operands.map((o) => f32x4.mul(f32x4.convert_i32x4_s(half(o.less)), o.multiplier));
        return requantizer.round(f32x4.mul(combine(u, v), multiplier));
      });
      f.emit(
        v128.store64_lane(to, requantizer.bytes(output.endsWith('-int8') ? 'int8' : 'uint8', low, high), 0),
      );
    };
  });
}

function emitFixed(m: Module, { product, output, steps }: Variant): void {
  emitRuns(m, LANES, steps, (f, { c, a, b }) => {
    const requantizer = new FixedRequantizer(f, output.startsWith('double') ? 'double' : 'single', c);
    const [multiplier, shift, ...tables] = [MULTIPLIER, SHIFT, ...OPERANDS].map((at) =>
      f.local('i32', i32.load(c, at)),
    );
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

/** Shapes of a, b and y with the axes along which runs start, and how each operand goes on in a run of `inner` elements. */
function rowsOf({ aShape, bShape, yShape }: BinaryParams) {
  const shapes = [aShape, bShape, yShape].map((shape) => [
    ...new Array<number>(yShape.length - shape.length).fill(1),
    ...shape,
  ]);
  let inner = 1;
  let steps: Steps | undefined;
  for (let axis = yShape.length - 1; axis >= 0; axis--) {
    const [a, b, y] = shapes.map((shape) => shape[axis]);
    if (y !== 1) {
      const [stepA, stepB] = [Number(a !== 1), Number(b !== 1)];
      steps ??= [stepA, stepB, 1];
      if (steps[0] !== stepA || steps[1] !== stepB) break;
    }
    inner *= y;
    for (const shape of shapes) shape.pop();
  }
  return { steps: steps ?? ([1, 1, 1] as const), inner, shapes };
}

function binaryKernel<O extends 'qadd' | 'qmul'>(
  op: O,
  product: boolean,
  scaled: (p: OpParams[O]) => ScaledOperands,
): Kernel<O> {
  return runKernel<O, Variant>({
    op,
    type: 'q8',
    variant: (p) => ({
      product,
      output: outputKind(scaled(p).requant, p.y.data),
      signed: [isSigned(p.a.data), isSigned(p.b.data)],
      steps: rowsOf(p).steps,
    }),
    emit: (m, variant) => (variant.output.startsWith('float') ? emitFloat : emitFixed)(m, variant),
    plan: (p, runs, { steps }) => {
      const { requant, ...values } = scaled(p);
      const { inner, shapes } = rowsOf(p);
      const { binding } = runs;
      const head = requantWords(requant);
      for (const name of ['a', 'b'] as const) {
        const { data, zeroPoint } = p[name];
        if (requant.numerics === 'float') head.push(bits(values[name](zeroPoint + 1)), zeroPoint);
        else head.push(binding.constant('int32', byByte(data, values[name])), 0);
      }
      const [a, b, y] = [binding.read(p.a.data), binding.read(p.b.data), binding.write(p.y.data)];
      const [aShape, bShape, yShape] = shapes;
      forEachPair(aShape, bShape, yShape, (i, ia, ib) =>
        runs.add(steps, a + ia * inner ** steps[0], b + ib * inner ** steps[1], y + i * inner, inner),
      );
      return head;
    },
    sample: (like) => {
      const [a, b, y] = [like.a, like.b, like.y].map((x, i) => {
        const length = 19 ** rowsOf(like).steps[i];
        return { ...x, scale: [1, 1, product ? 64 : 2][i], data: sampleCodes(x.data, length) };
      });
      const [aShape, bShape, yShape] = [a, b, y].map(({ data }) => [data.length]);
      return { params: { ...like, aShape, bShape, yShape, a, b, y }, output: y.data };
    },
  });
}

export const binaryKernels = [binaryKernel('qadd', false, terms), binaryKernel('qmul', true, factors)];
