/** How quantized values stand in a file: the type of their codes and their zero points. */
import type { QParams, TypedArray } from '../../../core/index.js';
import type { OnnxArrayOf } from '../types.js';

export type CodeType = 'int8' | 'uint8';

/** The codes of a value in the file are its codes here plus `offset`. */
export interface Storage {
  readonly dtype: CodeType;
  readonly offset: number;
  readonly zeroPoint: number;
  /** The codes that the value takes. */
  readonly min: number;
  readonly max: number;
  /** The codes that the type has. */
  readonly lowest: number;
  readonly highest: number;
}

/** @param wanted the type of activations; null leaves each as it is */
export function storageFor(qp: QParams, wanted: CodeType | null): Storage {
  const own = qp.quantMin < 0 ? 'int8' : 'uint8';
  const dtype = wanted ?? own;
  const offset = dtype === own ? 0 : dtype === 'uint8' ? 128 : -128;
  const lowest = dtype === 'int8' ? -128 : 0;
  return {
    dtype,
    offset,
    zeroPoint: qp.zeroPoint[0] + offset,
    min: qp.quantMin + offset,
    max: qp.quantMax + offset,
    lowest,
    highest: lowest + 255,
  };
}

/** Codes plus `offset`, in an array of their type. */
export function codesFrom<T extends CodeType>(
  dtype: T,
  codes: ArrayLike<number>,
  offset = 0,
): OnnxArrayOf[T] {
  const shifted = { length: codes.length };
  const at = (_: unknown, i: number): number => codes[i] + offset;
  const array = dtype === 'int8' ? Int8Array.from(shifted, at) : Uint8Array.from(shifted, at);
  return array as OnnxArrayOf[T];
}

export const asFloats = (data: TypedArray): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
