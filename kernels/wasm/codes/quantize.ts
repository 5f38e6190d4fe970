/** From float32 to codes and back, eight lanes at a time. */
import type { CodeArray, OpParams } from '../../types.js';
import type { Module } from '../assembler.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as v128 from '../instructions/v128.js';
import { bits, FloatRequantizer, MULTIPLIER, requantWords } from '../int8/requantize.js';
import { sampleCodes, sampleFloats } from '../selfTest.js';
import { emitRuns, HALVES, isSigned, loadCodes, runKernel, type Runs, type Steps } from './runs.js';

const LANES = 8;
const [FROM_FLOAT, TO_FLOAT]: Steps[] = [
  [4, 0, 1],
  [1, 0, 4],
];

/** Of the codes. */
interface Variant {
  readonly signed: boolean;
}

function emitQuantize(m: Module, { signed }: Variant): void {
  emitRuns(m, LANES, FROM_FLOAT, (f, { a, b }) => {
    const requantizer = new FloatRequantizer(f, b);
    const scale = f.local('v128', v128.load32_splat(b, MULTIPLIER));
    const zeroPoint = f.local('v128', v128.load32_splat(b));
    return (to) => {
      const [low, high] = [0, 16].map((o) => {
        const x = f.local('v128', f32x4.div(v128.load(a, o), scale));
        // NaN, the only value that differs from itself, becomes the zero point
        return v128.bitselect(requantizer.round(x), zeroPoint, f32x4.eq(x, x));
      });
      f.emit(v128.store64_lane(to, requantizer.bytes(signed ? 'int8' : 'uint8', low, high), 0));
    };
  });
}

function emitDequantize(m: Module, { signed }: Variant): void {
  emitRuns(m, LANES, TO_FLOAT, (f, { a, b }) => {
    const scale = f.local('v128', v128.load32_splat(b, 4));
    const zeroPoint = f.local('v128', v128.load16_splat(b));
    const less = f.local('v128');
    return (to) => {
      f.set(less, i16x8.sub(loadCodes(signed, a), zeroPoint));
      HALVES.forEach((half, i) =>
        f.emit(v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(half(less)), scale), 16 * i)),
      );
    };
  });
}

/** Runs over rows of one scale; `words` gives the constants of a channel. */
function addRows(
  runs: Runs,
  { outer, channels, inner, scale, x, y }: OpParams['quantize'] | OpParams['dequantize'],
  steps: Steps,
  words: (channel: number) => number[],
): [] {
  const { binding } = runs;
  const constants = Array.from(scale, (_, c) => binding.constant('int32', words(c)));
  const [a, b] = [binding.read(x), binding.write(y)];
  const rows = scale.length === 1 ? 1 : outer * channels;
  const length = (outer * channels * inner) / rows;
  for (let row = 0, i = 0; row < rows; row++, i += length)
    runs.add(steps, a + i * steps[0], constants[row % scale.length], b + i * steps[2], length);
  return [];
}

const SAMPLE = {
  outer: 1,
  channels: 2,
  inner: 19,
  scale: Float32Array.of(0.01, 0.003),
  zeroPoint: Int32Array.of(3, 77),
};

export const quantizeKernels = [
  runKernel({
    op: 'quantize',
    type: 'f32-q8',
    supports: ({ y }) => !(y instanceof Int32Array),
    variant: ({ y }) => ({ signed: isSigned(y as CodeArray) }),
    emit: emitQuantize,
    plan: (p, runs) =>
      addRows(runs, p, FROM_FLOAT, (c) =>
        requantWords({
          numerics: 'float',
          zeroPoint: p.zeroPoint[c],
          min: p.min,
          max: p.max,
          multiplier: p.scale.subarray(c),
        }),
      ),
    sample: ({ y }) => {
      const output = sampleCodes(y, 38);
      return { params: { ...SAMPLE, x: sampleFloats(38), y: output, min: 2, max: 99 }, output };
    },
  }),
  runKernel({
    op: 'dequantize',
    type: 'q8-f32',
    supports: ({ x }) => !(x instanceof Int32Array),
    variant: ({ x }) => ({ signed: isSigned(x as CodeArray) }),
    emit: emitDequantize,
    plan: (p, runs) => addRows(runs, p, TO_FLOAT, (c) => [p.zeroPoint[c], bits(p.scale[c])]),
    sample: ({ x }) => {
      const output = new Float32Array(38);
      return { params: { ...SAMPLE, x: sampleCodes(x, 38), y: output }, output };
    },
  }),
];
