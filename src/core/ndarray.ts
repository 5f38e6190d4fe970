/** NDArray: a typed array with a shape. Row-major, contiguous, no gradient: the value inside a Tensor. */
import { allocate, dtypeOf, isFloat, type ArrayOf, type DType, type TypedArray } from './dtype.js';
import { ShapeError } from './errors.js';
import { checkShape, formatShape, sizeOf, type Shape } from './shape.js';

/** What shape inference sees of an array. */
export interface ArraySpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

export class NDArray<D extends DType = DType> implements ArraySpec {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: ArrayOf[D];

  /** Wraps `data` without copying it. Throws ShapeError when its length is not the product of `shape`. */
  constructor(data: ArrayOf[D], shape: Shape) {
    checkShape('shape', shape);
    if (data.length !== sizeOf(shape))
      throw new ShapeError(
        `data: ${data.length} elements do not fill shape ${formatShape(shape)}, which has ${sizeOf(shape)}`,
      );
    this.dtype = dtypeOf(data) as D;
    this.shape = shape;
    this.data = data;
  }

  static zeros<D extends DType>(shape: Shape, dtype: D): NDArray<D> {
    checkShape('shape', shape);
    return new NDArray<D>(allocate(dtype, sizeOf(shape)), shape);
  }

  static full<D extends DType>(shape: Shape, value: number, dtype: D): NDArray<D> {
    const a = NDArray.zeros(shape, dtype);
    a.data.fill(value);
    return a;
  }

  /** A zero-filled array of the same shape and, unless told otherwise, the same dtype. */
  static like(a: ArraySpec): NDArray;
  static like<D extends DType>(a: ArraySpec, dtype: D): NDArray<D>;
  static like(a: ArraySpec, dtype: DType = a.dtype): NDArray {
    return NDArray.zeros(a.shape, dtype);
  }

  get size(): number {
    return this.data.length;
  }

  get rank(): number {
    return this.shape.length;
  }

  clone(): NDArray<D> {
    return new NDArray<D>(this.data.slice() as ArrayOf[D], this.shape);
  }

  /** The same elements under another shape; the data is shared. */
  reshape(shape: Shape): NDArray<D> {
    return new NDArray<D>(this.data, shape);
  }

  /** A copy converted element by element, as typed arrays convert (float to integer truncates and wraps). */
  astype<E extends DType>(dtype: E): NDArray<E> {
    const out = NDArray.zeros(this.shape, dtype);
    out.data.set(this.data);
    return out;
  }
}

export type FloatNDArray = NDArray<'float32'> | NDArray<'float64'>;

export function isFloatArray(a: NDArray): a is FloatNDArray {
  return isFloat(a.dtype);
}

/** Nested number arrays -> flat values and shape. Throws ShapeError for ragged nesting. */
export type Nested = number | readonly Nested[];

export function flattenNested(value: Nested): { values: number[]; shape: number[] } {
  const shape: number[] = [];
  for (let v: Nested = value; Array.isArray(v); v = v[0] as Nested) {
    shape.push(v.length);
    if (v.length === 0) break;
  }
  const values: number[] = [];
  const walk = (v: Nested, depth: number): void => {
    if (typeof v === 'number') {
      if (depth !== shape.length)
        throw new ShapeError('data: nested arrays are ragged; all rows need one length');
      values.push(v);
      return;
    }
    if (v.length !== shape[depth])
      throw new ShapeError('data: nested arrays are ragged; all rows need one length');
    for (const e of v) walk(e, depth + 1);
  };
  walk(value, 0);
  return { values, shape };
}

/** Flat values -> nested arrays of the given shape (a number for a scalar). */
export function toNested(data: TypedArray, shape: Shape): Nested {
  let offset = 0;
  const build = (axis: number): Nested =>
    axis === shape.length ? data[offset++] : Array.from({ length: shape[axis] }, () => build(axis + 1));
  return build(0);
}
