/** Element types and the typed arrays that hold them. */
import { DTypeError } from './errors.js';

export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int32: Int32Array;
}

export type DType = keyof ArrayOf;
export type FloatDType = 'float32' | 'float64';
export type TypedArray = ArrayOf[DType];
export type FloatArray = Float32Array | Float64Array;

const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
} as const;

export const DTYPES = Object.keys(CONSTRUCTORS) as readonly DType[];

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return CONSTRUCTORS[dtype].BYTES_PER_ELEMENT;
}

/** A zero-filled typed array of `length` elements. */
export function allocate<D extends DType>(dtype: D, length: number): ArrayOf[D] {
  return new CONSTRUCTORS[dtype](length) as ArrayOf[D];
}

/** The dtype of a typed array. Throws {@link DTypeError} for array types the library does not use. */
export function dtypeOf(data: ArrayBufferView): DType {
  for (const dtype of DTYPES) if (data instanceof CONSTRUCTORS[dtype]) return dtype;
  throw new DTypeError(
    `data: ${data.constructor.name} is not an element type of octograd; use one of ${DTYPES.join(', ')}`,
  );
}

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
}
