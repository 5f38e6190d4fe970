/** What the integer golden topics share: the backends under test, numerics of a case, window geometry, layouts. */
import { js, reference, type Backend, type Numerics, type WindowGeometry } from '../../kernels/index.js';
import type { TypedArray } from '../../src/core/index.js';
import { expectClose, expectEqual, type GoldenCase, type ReadTensor } from './common.js';

export const backends: readonly Backend[] = [reference, js];

/** Output of `compute` for every backend: equal to outputs.double and .single, within tol.ideal of outputs.ideal. */
export function checkNumerics(
  c: GoldenCase,
  read: ReadTensor,
  compute: (backend: Backend, numerics: Numerics) => TypedArray,
): void {
  for (const backend of backends) {
    for (const rounding of ['double', 'single'] as const) {
      const want = c.outputs![rounding];
      if (want) expectEqual(rounding, compute(backend, { numerics: 'fixed', rounding }), read(want));
    }
    checkIdeal(c, read, compute(backend, { numerics: 'float' }));
  }
}

/** Within tol.ideal, and exact where the real result is not near a tie (if the case says how near it is). */
export function checkIdeal(c: GoldenCase, read: ReadTensor, got: ArrayLike<number>): void {
  const want = read(c.outputs!['ideal']);
  expectClose('ideal', got, want, { abs: (c['tol'] as { ideal: number }).ideal, rel: 0 });
  if (c.outputs!['tie_margin'] === undefined) return;
  const margin = read(c.outputs!['tie_margin']);
  for (let i = 0; i < want.length; i++)
    if (margin[i] > 1e-3 && got[i] !== want[i]) throw new Error(`[${i}]: got ${got[i]}, expected ${want[i]}`);
}

/** Geometry of a window over NHWC from explicit padding [top, left, bottom, right]. */
export function windowGeometry(
  [batch, inHeight, inWidth]: readonly number[],
  [kernelHeight, kernelWidth]: readonly number[],
  [strideHeight, strideWidth]: readonly number[],
  [dilationHeight, dilationWidth]: readonly number[],
  [padTop, padLeft, padBottom, padRight]: readonly number[],
): WindowGeometry {
  const out = (size: number, pads: number, kernel: number, stride: number, dilation: number) =>
    Math.floor((size + pads - (kernel - 1) * dilation - 1) / stride) + 1;
  return {
    batch,
    inHeight,
    inWidth,
    outHeight: out(inHeight, padTop + padBottom, kernelHeight, strideHeight, dilationHeight),
    outWidth: out(inWidth, padLeft + padRight, kernelWidth, strideWidth, dilationWidth),
    kernelHeight,
    kernelWidth,
    strideHeight,
    strideWidth,
    dilationHeight,
    dilationWidth,
    padTop,
    padLeft,
  };
}

/** [top, left, bottom, right] of TFLite's SAME (an odd pixel goes to the end) or VALID. */
export function tflitePads(
  padding: string,
  [, inHeight, inWidth]: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): number[] {
  if (padding === 'VALID') return [0, 0, 0, 0];
  const [vertical, horizontal] = [inHeight, inWidth].map((size, i) => {
    const out = Math.ceil(size / stride[i]);
    return Math.max((out - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - size, 0);
  });
  const [top, left] = [Math.floor(vertical / 2), Math.floor(horizontal / 2)];
  return [top, left, vertical - top, horizontal - left];
}

/** `from` as `length` elements of the type of `like`. */
export function emptyLike<T extends TypedArray>(like: T, length: number): T {
  return new (like.constructor as new (length: number) => T)(length);
}

/** [batch, rows, columns] to [batch, columns, rows]: NCHW to NHWC with rows = C, columns = H * W, and back. */
export function swapAxes<T extends TypedArray>(x: T, batch: number, rows: number, columns: number): T {
  const y = emptyLike(x, x.length);
  for (let n = 0; n < batch; n++)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) y[(n * columns + c) * rows + r] = x[(n * rows + r) * columns + c];
  return y;
}
