/**
 * Constants while a file is imported: tensors with their elements as numbers, and the few functions on them that folding
 * needs. 64-bit integers are doubles here, exact up to 2^53.
 */
import { isIdentity } from '../../../core/permute.js';
import { broadcastShapes, broadcastStrides, sizeOf, stridesOf, type Shape } from '../../../core/shape.js';
import { UnsupportedError } from '../../../core/errors.js';
import { tensorNumbers, type OnnxArrayOf, type OnnxDType, type OnnxTensor } from '../types.js';

type Numbers = Exclude<OnnxArrayOf[OnnxDType], BigInt64Array | BigUint64Array>;

/** What a constant was before it was dequantized. */
export interface Codes {
  readonly codes: Constant;
  /** Float32 numbers: one, or one for each index of `axis`. */
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  readonly axis: number | null;
}

export interface Constant {
  readonly dtype: OnnxDType;
  readonly dims: Shape;
  readonly data: Numbers;
  readonly dequantized?: Codes;
}

const ARRAYS: {
  readonly [D in OnnxDType]: { new (length: number): Numbers; readonly BYTES_PER_ELEMENT: number };
} = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Float32Array,
  bfloat16: Float32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: Float64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: Float64Array,
  int4: Int8Array,
  uint4: Uint8Array,
  bool: Uint8Array,
};

/** Multiply-adds of integer products between constants. */
const MAX_WORK = 2 ** 25;

/** Bytes that constants may take besides those of the file: for small files, and for each element in the file. */
const ALLOWED = { bytes: 16e6, perElement: 12 };

/** Bounds what folding and rearranging constants takes, by what the file holds. */
export class Allowance {
  #limit = ALLOWED.bytes;
  #left = ALLOWED.bytes;
  #work = MAX_WORK;

  /** The elements of a constant of the file: each may be widened and rearranged. */
  grant(elements: number): void {
    this.#limit += ALLOWED.perElement * elements;
    this.#left += ALLOWED.perElement * elements;
  }

  charge(bytes: number): void {
    this.#left -= bytes;
    if (!(this.#left >= 0))
      throw new UnsupportedError(
        `bytes: computing the constants of this model takes more than ${this.#limit} bytes; fold them before the import (onnxsim), or give smaller inputShapes`,
      );
  }

  work(products: number): void {
    this.#work -= products;
    if (!(this.#work >= 0))
      throw new UnsupportedError(
        `bytes: products of constants take more than ${MAX_WORK} multiplications; run the integer operators of this model elsewhere`,
      );
  }

  /** Zeros. */
  constant(dtype: OnnxDType, dims: Shape): Constant & { readonly data: Numbers } {
    const Data = ARRAYS[dtype];
    const size = sizeOf(dims);
    this.charge(size * Data.BYTES_PER_ELEMENT + 64 * (dims.length + 1));
    return { dtype, dims, data: new Data(size) };
  }
}

export function fromTensor(tensor: OnnxTensor): Constant {
  return { dtype: tensor.dtype, dims: tensor.dims, data: tensorNumbers(tensor) as Numbers };
}

/** 64-bit integers beyond the range saturate. */
export function toTensor(name: string, { dtype, dims, data }: Constant): OnnxTensor {
  const wide = dtype === 'int64' ? BigInt64Array : dtype === 'uint64' ? BigUint64Array : null;
  const bits = dtype === 'int64' ? 63n : 64n;
  const max = 2n ** bits - 1n;
  const min = dtype === 'int64' ? -max - 1n : 0n;
  const clamp = (v: number): bigint => {
    const whole = BigInt(Math.trunc(v));
    return whole > max ? max : whole < min ? min : whole;
  };
  const elements = wide === null ? data : wide.from(Array.from(data, clamp));
  return { name, dtype, dims, data: elements } as OnnxTensor;
}

/** The same elements under another shape; codes follow where each keeps its scale. */
export function withDims(a: Constant, dims: Shape): Constant {
  const { dequantized, dtype, data } = a;
  const kept = dequantized?.axis === null || (dequantized?.axis === 0 && dims[0] === a.dims[0]);
  if (dequantized === undefined || !kept) return { dtype, data, dims };
  return { dtype, data, dims, dequantized: { ...dequantized, codes: withDims(dequantized.codes, dims) } };
}

export const isFloatType = (dtype: OnnxDType): boolean =>
  dtype === 'float32' || dtype === 'float64' || dtype === 'float16' || dtype === 'bfloat16';

/** f of each element, stored as `dtype`. */
export function mapConstant(
  allowance: Allowance,
  a: Constant,
  f: (v: number) => number,
  dtype = a.dtype,
): Constant {
  const out = allowance.constant(dtype, a.dims);
  for (let i = 0; i < out.data.length; i++) out.data[i] = f(a.data[i]);
  return out;
}

/** f of each pair of elements, with numpy's broadcasting. */
export function combineConstants(
  allowance: Allowance,
  a: Constant,
  b: Constant,
  f: (a: number, b: number) => number,
  dtype = a.dtype,
): Constant {
  const dims = broadcastShapes(a.dims, b.dims);
  const out = allowance.constant(dtype, dims);
  const strides = [broadcastStrides(a.dims, dims), broadcastStrides(b.dims, dims)];
  walk(dims, strides, (to, from) => (out.data[to] = f(a.data[from[0]], b.data[from[1]])));
  return out;
}

/** Element `to` of the result is the element of `a` that `offset` and `steps` (one per axis) lead to. */
export function pickConstant(
  allowance: Allowance,
  a: Constant,
  dims: Shape,
  offset: number,
  steps: readonly number[],
): Constant {
  const out = allowance.constant(a.dtype, dims);
  walk(dims, [steps], (to, [from]) => (out.data[to] = a.data[from + offset]));
  return out;
}

/** a.data at indices[i] of one axis. */
export function gatherConstant(
  allowance: Allowance,
  a: Constant,
  axis: number,
  indices: ArrayLike<number>,
): Constant {
  const out = allowance.constant(
    a.dtype,
    a.dims.map((d, i) => (i === axis ? indices.length : d)),
  );
  const inner = sizeOf(a.dims.slice(axis + 1));
  const outer = sizeOf(a.dims.slice(0, axis));
  for (let o = 0, to = 0; o < outer; o++)
    for (let i = 0; i < indices.length; i++, to += inner) {
      const from = (o * a.dims[axis] + indices[i]) * inner;
      out.data.set(a.data.subarray(from, from + inner), to);
    }
  return out;
}

/** Constants of equal type, one after the other along an axis. */
export function concatConstants(allowance: Allowance, parts: readonly Constant[], axis: number): Constant {
  const total = parts.reduce((n, { dims }) => n + dims[axis], 0);
  const [{ dtype, dims }] = parts;
  const out = allowance.constant(
    dtype,
    dims.map((d, i) => (i === axis ? total : d)),
  );
  const inner = sizeOf(dims.slice(axis + 1));
  for (let o = 0, to = 0; o < sizeOf(dims.slice(0, axis)); o++)
    for (const part of parts) {
      const count = part.dims[axis] * inner;
      out.data.set(part.data.subarray(o * count, (o + 1) * count), to);
      to += count;
    }
  return out;
}

export function permuteConstant(allowance: Allowance, a: Constant, perm: readonly number[]): Constant {
  const strides = stridesOf(a.dims);
  return pickConstant(
    allowance,
    a,
    perm.map((i) => a.dims[i]),
    0,
    perm.map((i) => strides[i]),
  );
}

/** Visits all positions of `dims` in order, with the offset that each list of strides gives them. */
function walk(
  dims: Shape,
  strides: readonly (readonly number[])[],
  visit: (to: number, from: readonly number[]) => void,
): void {
  const size = sizeOf(dims);
  const position = new Array<number>(dims.length).fill(0);
  const from = strides.map(() => 0);
  for (let to = 0; to < size; to++) {
    visit(to, from);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      strides.forEach((steps, s) => (from[s] += steps[axis]));
      if (++position[axis] < dims[axis]) break;
      strides.forEach((steps, s) => (from[s] -= steps[axis] * dims[axis]));
      position[axis] = 0;
    }
  }
}

export type Reduction = 'mean' | 'sum' | 'max' | 'min' | 'prod';

const START: Readonly<Record<Reduction, number>> = {
  mean: 0,
  sum: 0,
  max: -Infinity,
  min: Infinity,
  prod: 1,
};
const STEP: Readonly<Record<Reduction, (a: number, b: number) => number>> = {
  mean: (a, b) => a + b,
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
  prod: (a, b) => a * b,
};

/** A reduction over axes. */
export function reduceConstant(
  allowance: Allowance,
  x: Constant,
  fn: Reduction,
  axes: readonly number[],
  keepdim: boolean,
): Constant {
  const kept = x.dims.flatMap((_, i) => (axes.includes(i) ? [] : [i]));
  const order = [...kept, ...axes];
  const moved = isIdentity(order) ? x : permuteConstant(allowance, x, order);
  const full = x.dims.map((d, i) => (axes.includes(i) ? 1 : d));
  const out = allowance.constant(x.dtype, keepdim ? full : kept.map((i) => x.dims[i]));
  const count = sizeOf(axes.map((i) => x.dims[i]));
  for (let o = 0; o < out.data.length; o++) {
    let value = START[fn];
    for (let i = 0; i < count; i++) value = STEP[fn](value, moved.data[o * count + i]);
    out.data[o] = fn === 'mean' ? value / count : value;
  }
  return out;
}
