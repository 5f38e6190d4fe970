/**
 * Codes from real numbers and back (ONNX QuantizeLinear / DequantizeLinear), on plain arrays, without gradients:
 * `q = clamp(rne(f32(x / scale)) + zeroPoint, quantMin, quantMax)`, `x' = f32((q - zeroPoint) * scale)`.
 * NaN quantizes to the zero point, infinities saturate. float64 arrays are divided in double precision.
 */
import {
  checkQParams,
  DTypeError,
  formatShape,
  isFloat,
  NDArray,
  QuantizationError,
  sizeOf,
  type ArraySpec,
  type FloatArray,
  type QDType,
  type QParams,
  type Shape,
} from '../core/index.js';
import { map } from './map.js';

/** The element type that holds codes of each type; int4 codes take a byte each. */
export const CODE_STORAGE = {
  int8: 'int8',
  uint8: 'uint8',
  int4: 'int8',
  int32: 'int32',
} as const satisfies Record<QDType, string>;
export type CodeNDArray = NDArray<'int8'> | NDArray<'uint8'> | NDArray<'int32'>;

/** An array read as [outer, channels, inner]; everything is one channel where axis is null. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

export function channelLayout(shape: Shape, axis: number | null): ChannelLayout {
  if (axis === null) return { outer: 1, channels: 1, inner: sizeOf(shape) };
  return { outer: sizeOf(shape.slice(0, axis)), channels: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

/** Throws QuantizationError unless the qparams are valid and have one scale per index of their axis of `x`. */
export function checkQParamsFit(what: string, x: ArraySpec, qp: QParams): void {
  checkQParams(qp, `${what}: qparams`);
  if (qp.axis === null) return;
  if (!Number.isInteger(qp.axis) || qp.axis < 0 || qp.axis >= x.shape.length)
    throw new QuantizationError(
      `${what}: qparams.axis ${qp.axis} is outside an array of ${x.shape.length} dimensions; use 0 to rank - 1`,
    );
  if (qp.scale.length !== x.shape[qp.axis])
    throw new QuantizationError(
      `${what}: qparams has ${qp.scale.length} scales for axis ${qp.axis} of shape ${formatShape(x.shape)}; give one per index`,
    );
}

/**
 * `v = x / scale` limited to `[lo, hi]`, the bounds minus the zero point; 0 for NaN. Rounding it gives the code minus the
 * zero point: clamping to whole numbers before rounding is the same as after.
 */
export function clampOffset(v: number, lo: number, hi: number): number {
  return Math.min(Math.max(Number.isNaN(v) ? 0 : v, lo), hi);
}

/** What the quantizing functions of the kernel `map` take beside the elements. */
export interface QuantOperands {
  /** Consecutive elements of one channel. */
  readonly inner: number;
  /** One value, or one per channel; `low` and `high` are the bounds of the codes minus the zero point. */
  readonly scale: Float32Array;
  readonly low: FloatArray;
  readonly high: FloatArray;
  readonly zeroPoint: FloatArray;
}

export function quantOperands(shape: Shape, qp: QParams): QuantOperands {
  const { inner, channels } = channelLayout(shape, qp.axis);
  const values = (f: (zeroPoint: number) => number): FloatArray => {
    const exact = Float64Array.from(qp.zeroPoint.subarray(0, channels), f);
    const single = Float32Array.from(exact);
    return exact.every((v, c) => v === single[c]) ? single : exact;
  };
  return {
    inner,
    scale: qp.scale,
    low: values((z) => qp.quantMin - z),
    high: values((z) => qp.quantMax - z),
    zeroPoint: values((z) => z),
  };
}

function expectFloat(what: string, x: NDArray): FloatArray {
  if (!isFloat(x.dtype))
    throw new DTypeError(`${what}: x is ${x.dtype}; codes are made from float32 or float64`);
  return x.data as FloatArray;
}

/**
 * Integer codes of `x`, of its shape; int4 codes are stored in an int8 array.
 *
 * Biases follow another rule (no float32 rounding of the quotient): they are quantized where a model is converted.
 *
 * @throws QuantizationError when the qparams do not fit the shape; DTypeError for an integer array
 */
export function quantizeArray(x: NDArray, qp: QParams): CodeNDArray {
  const a = expectFloat('quantizeArray', x);
  checkQParamsFit('quantizeArray', x, qp);
  const q = NDArray.empty(x.shape, CODE_STORAGE[qp.dtype]);
  const { scale, low, high, zeroPoint, inner } = quantOperands(x.shape, qp);
  map('quantize', [a, scale, low, high, zeroPoint], [q.data], [], inner);
  return q as CodeNDArray;
}

/**
 * The float32 values that codes stand for.
 *
 * @throws QuantizationError when the qparams do not fit the shape; DTypeError when `q` has another type than their codes
 */
export function dequantizeArray(q: NDArray, qp: QParams): NDArray<'float32'> {
  if (q.dtype !== CODE_STORAGE[qp.dtype])
    throw new DTypeError(
      `dequantizeArray: q is ${q.dtype}; ${qp.dtype} codes are kept as ${CODE_STORAGE[qp.dtype]}`,
    );
  checkQParamsFit('dequantizeArray', q, qp);
  const y = NDArray.empty(q.shape, 'float32');
  const { scale, zeroPoint, inner } = quantOperands(q.shape, qp);
  map('dequantize', [q.data, scale, zeroPoint], [y.data], [], inner);
  return y;
}

/**
 * 1 where the code of an element lies in the range before it is clamped, else 0: where the straight-through gradient
 * passes. An element that rounds to a bound is inside; NaN is not.
 */
export function insideRange(x: NDArray, qp: QParams): Uint8Array {
  const a = expectFloat('insideRange', x);
  checkQParamsFit('insideRange', x, qp);
  const mask = NDArray.empty(x.shape, 'uint8').data;
  const { scale, low, high, inner } = quantOperands(x.shape, qp);
  map('inside', [a, scale, low, high], [mask], [], inner);
  return mask;
}
