/**
 * Sum or difference of two quantized arrays of one shape. Each operand has 256 codes, so that its scaled value is looked
 * up; the tables follow the definitions in reference/qadd.ts, for both numerics.
 */
import { codeMin } from '../lut.js';
import { ADD_LEFT_SHIFT, addMultipliers, clamp, multiplyByQuantizedMultiplier } from '../requantize.js';
import { roundHalfEven } from '../rounding.js';
import type { Kernel, OpParams, QuantizedArray } from '../types.js';

export const qadd: Kernel<'qadd'> = {
  op: 'qadd',
  name: 'q8-qadd-same-shape-js',
  supports: ({ aShape, bShape, yShape }) => size(aShape) === size(yShape) && size(bShape) === size(yShape),
  prepare: (p, memory) => {
    const { a, b, y, min, max } = p;
    const tableA = memory.allocate('float64', 256);
    const tableB = memory.allocate('float64', 256);
    const toCode = fill(p, tableA, tableB);
    const firstA = codeMin(a.data);
    const firstB = codeMin(b.data);
    return () => {
      for (let i = 0; i < y.data.length; i++) {
        const sum = tableA[a.data[i] - firstA] + tableB[b.data[i] - firstB];
        y.data[i] = clamp(toCode(sum) + y.zeroPoint, min, max);
      }
    };
  },
};

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Fills the tables; returns the way from their sum to a code less its zero point. */
function fill(p: OpParams['qadd'], tableA: Float64Array, tableB: Float64Array): (sum: number) => number {
  const aScale = Math.fround(p.a.scale);
  const bScale = Math.fround(p.b.scale);
  const yScale = Math.fround(p.y.scale);
  const sign = p.subtract ? -1 : 1;
  if (p.numerics === 'float') {
    const ma = Math.fround(aScale / yScale);
    const mb = sign * Math.fround(bScale / yScale);
    fillTable(tableA, p.a, (q) => Math.fround(q * ma));
    fillTable(tableB, p.b, (q) => Math.fround(q * mb));
    return (sum) => roundHalfEven(Math.fround(sum));
  }
  const { rounding } = p;
  const m = addMultipliers(aScale, bScale, yScale);
  const unit = 2 ** ADD_LEFT_SHIFT;
  const scaled = (q: number, { multiplier, shift }: typeof m.a): number =>
    multiplyByQuantizedMultiplier(q * unit, multiplier, shift, rounding);
  fillTable(tableA, p.a, (q) => scaled(q, m.a));
  fillTable(tableB, p.b, (q) => sign * scaled(q, m.b));
  return (sum) => multiplyByQuantizedMultiplier(sum, m.output.multiplier, m.output.shift, rounding);
}

function fillTable(
  table: Float64Array,
  { data, zeroPoint }: QuantizedArray,
  value: (q: number) => number,
): void {
  const first = codeMin(data);
  for (let i = 0; i < 256; i++) table[i] = value(first + i - zeroPoint);
}
