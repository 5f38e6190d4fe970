/**
 * Sum, difference and product of two quantized arrays of one shape. Each operand has 256 codes, so that its scaled value
 * is looked up; the tables follow the definitions of the reference, for both numerics.
 */
import { codeMin } from '../lut.js';
import { applyRequantization } from '../requantize.js';
import type { ScaledOperands } from '../reference/broadcast.js';
import { terms } from '../reference/qadd.js';
import { factors } from '../reference/qmul.js';
import type { BinaryParams, Kernel, Memory, QuantizedArray } from '../types.js';

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

function supports({ aShape, bShape, yShape }: BinaryParams): boolean {
  return size(aShape) === size(yShape) && size(bShape) === size(yShape);
}

function prepare(
  p: BinaryParams,
  { a, b, requant }: ScaledOperands,
  memory: Memory,
  product: boolean,
): () => void {
  const tableOf = ({ data }: QuantizedArray, value: (code: number) => number): Float64Array =>
    memory.allocate('float64', 256).map((_, i) => value(i + codeMin(data)));
  const tableA = tableOf(p.a, a);
  const tableB = tableOf(p.b, b);
  const firstA = codeMin(p.a.data);
  const firstB = codeMin(p.b.data);
  return () => {
    const y = p.y.data;
    for (let i = 0; i < y.length; i++) {
      const u = tableA[p.a.data[i] - firstA];
      const v = tableB[p.b.data[i] - firstB];
      y[i] = applyRequantization(product ? u * v : u + v, 0, requant);
    }
  };
}

export const qadd: Kernel<'qadd'> = {
  op: 'qadd',
  name: 'q8-qadd-same-shape-js',
  supports,
  prepare: (p, memory) => prepare(p, terms(p), memory, false),
};

export const qmul: Kernel<'qmul'> = {
  op: 'qmul',
  name: 'q8-qmul-same-shape-js',
  supports,
  prepare: (p, memory) => prepare(p, factors(p), memory, true),
};
