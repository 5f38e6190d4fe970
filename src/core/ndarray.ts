/** NDArray: a typed array with a shape. Row-major, contiguous, no gradient: the value inside a Tensor. */
import { dtypeOf, isFloat, type ArrayOf, type DType, type TypedArray } from './dtype.js';
import { ShapeError } from './errors.js';
import { checkShape, formatShape, sizeOf, type Shape } from './shape.js';
import { Storage, unscoped } from './storage.js';

/** What shape inference sees of an array. */
export interface ArraySpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

export class NDArray<D extends DType = DType> implements ArraySpec {
  readonly dtype: D;
  readonly shape: Shape;
  readonly size: number;
  readonly #storage: Storage<D>;

  /** Wraps `data` without copying it. Throws ShapeError when its length is not the product of `shape`. */
  constructor(data: ArrayOf[D] | Storage<D>, shape: Shape) {
    checkShape('shape', shape);
    this.#storage = data instanceof Storage ? data : new Storage(data);
    const elements = this.#storage.data;
    this.dtype = dtypeOf(elements) as D;
    this.shape = shape;
    this.size = sizeOf(shape);
    if (elements.length !== this.size)
      throw new ShapeError(
        `data: ${elements.length} elements do not fill shape ${formatShape(shape)}, which has ${this.size}`,
      );
  }

  /** With any content: for results of which every element is written. */
  static empty<D extends DType>(shape: Shape, dtype: D): NDArray<D> {
    checkShape('shape', shape);
    return new NDArray<D>(Storage.allocate(dtype, sizeOf(shape), false), shape);
  }

  static zeros<D extends DType>(shape: Shape, dtype: D): NDArray<D> {
    checkShape('shape', shape);
    return new NDArray<D>(Storage.allocate(dtype, sizeOf(shape), true), shape);
  }

  static full<D extends DType>(shape: Shape, value: number, dtype: D): NDArray<D> {
    const a = NDArray.empty(shape, dtype);
    a.data.fill(value);
    return a;
  }

  /** As {@link empty}, of the same shape and, unless told otherwise, the same dtype. */
  static emptyLike(a: ArraySpec): NDArray;
  static emptyLike<D extends DType>(a: ArraySpec, dtype: D): NDArray<D>;
  static emptyLike(a: ArraySpec, dtype: DType = a.dtype): NDArray {
    return NDArray.empty(a.shape, dtype);
  }

  /** A zero-filled array of the same shape and, unless told otherwise, the same dtype. */
  static like(a: ArraySpec): NDArray;
  static like<D extends DType>(a: ArraySpec, dtype: D): NDArray<D>;
  static like(a: ArraySpec, dtype: DType = a.dtype): NDArray {
    return NDArray.zeros(a.shape, dtype);
  }

  /**
   * A zero-filled array of the shape and dtype of `a` that lives where `a` does, whatever scope is open: gradients and
   * other state that belongs to an array.
   */
  static beside<D extends DType>(a: NDArray<D>): NDArray<D> {
    return unscoped(a.#storage.home, () => NDArray.zeros(a.shape, a.dtype));
  }

  /** The elements. Throws DisposedError after they were freed; a typed array that was taken before must not be used. */
  get data(): ArrayOf[D] {
    return this.#storage.data;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** @internal */
  get storage(): Storage<D> {
    return this.#storage;
  }

  /**
   * @internal What holds the elements of all arrays in a value: an NDArray, an object that has one as its `value` (a
   * Tensor), and arrays, maps, sets and plain objects of these.
   */
  static *storagesIn(value: unknown, seen = new Set<unknown>()): Generator<Storage> {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (value instanceof NDArray) yield (value as NDArray).#storage;
    else if (Array.isArray(value) || value instanceof Map || value instanceof Set)
      for (const element of value as Iterable<unknown>) yield* NDArray.storagesIn(element, seen);
    else if ('value' in value && value.value instanceof NDArray) yield (value.value as NDArray).#storage;
    else if ([Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null))
      for (const element of Object.values(value)) yield* NDArray.storagesIn(element, seen);
  }

  /** A copy on the JavaScript heap, which lives as long as anybody holds it. */
  clone(): NDArray<D> {
    return new NDArray<D>(this.data.slice() as ArrayOf[D], this.shape);
  }

  /** Takes the elements out of the scopes that would free them. */
  keep(): this {
    this.#storage.keep();
    return this;
  }

  /** Frees the elements, also for arrays that share them. Using them afterwards throws DisposedError. */
  dispose(): void {
    this.#storage.free();
  }

  /** The same elements under another shape; the data is shared. */
  reshape(shape: Shape): NDArray<D> {
    return new NDArray<D>(this.#storage, shape);
  }

  /** A copy converted element by element, as typed arrays convert (float to integer truncates and wraps). */
  astype<E extends DType>(dtype: E): NDArray<E> {
    const out = NDArray.emptyLike(this, dtype);
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
