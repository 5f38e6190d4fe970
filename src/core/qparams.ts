/** Quantization parameters: what maps real numbers to integer codes and back. */
import { QuantizationError } from './errors.js';
import { shown } from './text.js';

export type QDType = 'int8' | 'uint8' | 'int4' | 'int32';

/**
 * `q = clamp(rne(f32(x / scale)) + zeroPoint, quantMin, quantMax)`, `x' = f32((q - zeroPoint) * scale)`
 * (ONNX QuantizeLinear / DequantizeLinear).
 */
export interface QParams {
  readonly dtype: QDType;
  /** One value, or one per index of `axis`. Positive, finite, normal float32 numbers. */
  readonly scale: Float32Array;
  /** As long as `scale`; inside `[quantMin, quantMax]`. */
  readonly zeroPoint: Int32Array;
  /** The axis that `scale` runs along; null for per-tensor. */
  readonly axis: number | null;
  readonly quantMin: number;
  readonly quantMax: number;
}

/** The smallest positive normal float32. A smaller scale would lose bits, or be 0 in an engine that flushes. */
export const MIN_NORMAL_F32 = 2 ** -126;
const MAX_F32 = 3.4028234663852886e38;

export interface QRange {
  readonly quantMin: number;
  readonly quantMax: number;
}

/**
 * The integer range of a width of 2 to 8 bits. Signed: `[-2^(b-1), 2^(b-1) - 1]`, narrow drops the lowest code
 * (symmetric weights, TFLite's rule); unsigned: `[0, 2^b - 1]`. `name` is that of the argument, for messages.
 */
export function quantRange(
  bits: number,
  options: { signed?: boolean; narrow?: boolean; name?: string } = {},
): QRange {
  const { signed = true, narrow = false, name = 'bits' } = options;
  if (!Number.isInteger(bits) || bits < 2 || bits > 8)
    throw new QuantizationError(
      `${name}: ${shown(bits)} is not a width this library quantizes to; use 2 to 8`,
    );
  const low = narrow ? 1 : 0;
  return signed
    ? { quantMin: -(2 ** (bits - 1)) + low, quantMax: 2 ** (bits - 1) - 1 }
    : { quantMin: low, quantMax: 2 ** bits - 1 };
}

/** The storage type of codes in a range: int4 where 4 signed bits are enough, else int8, uint8, int32. */
export function qdtypeOf({ quantMin, quantMax }: QRange): QDType {
  if (quantMin >= -8 && quantMax <= 7 && quantMin < 0) return 'int4';
  if (quantMin >= -128 && quantMax <= 127) return quantMin < 0 ? 'int8' : 'uint8';
  if (quantMin >= 0 && quantMax <= 255) return 'uint8';
  return 'int32';
}

/** How many bits codes of a range need. */
export function bitsOf({ quantMin, quantMax }: QRange): number {
  return Math.ceil(Math.log2(quantMax - quantMin + 1));
}

/** 7 where every code lies in [0, 127], which faster kernels ask for; else undefined. */
export function codeBits({ quantMin, quantMax }: QRange): 7 | undefined {
  return quantMin >= 0 && quantMax <= 127 ? 7 : undefined;
}

/** Builds per-tensor qparams and checks them. */
export function perTensor(scale: number, zeroPoint: number, range: QRange): QParams {
  return checkQParams({
    dtype: qdtypeOf(range),
    scale: Float32Array.of(scale),
    zeroPoint: Int32Array.of(zeroPoint),
    axis: null,
    quantMin: range.quantMin,
    quantMax: range.quantMax,
  });
}

/** Throws QuantizationError unless every scale is a positive normal float32 and every zero point is in range. */
export function checkQParams(qp: QParams, name = 'qparams'): QParams {
  if (qp.scale.length !== qp.zeroPoint.length || qp.scale.length === 0)
    throw new QuantizationError(
      `${name}: ${qp.scale.length} scales and ${qp.zeroPoint.length} zero points; give one of each per channel`,
    );
  if (qp.axis === null && qp.scale.length !== 1)
    throw new QuantizationError(
      `${name}: ${qp.scale.length} scales without an axis; set axis, or give one scale`,
    );
  for (let i = 0; i < qp.scale.length; i++) {
    const s = qp.scale[i];
    if (!(s >= MIN_NORMAL_F32 && s <= MAX_F32))
      throw new QuantizationError(
        `${name}: scale[${i}] = ${s} is not a positive, finite, normal float32; calibrate on data with finite values`,
      );
    const z = qp.zeroPoint[i];
    if (z < qp.quantMin || z > qp.quantMax)
      throw new QuantizationError(
        `${name}: zeroPoint[${i}] = ${z} is outside [${qp.quantMin}, ${qp.quantMax}]`,
      );
  }
  return qp;
}

export function sameQParams(a: QParams, b: QParams): boolean {
  return (
    a === b ||
    (a.dtype === b.dtype &&
      a.axis === b.axis &&
      a.quantMin === b.quantMin &&
      a.quantMax === b.quantMax &&
      a.scale.length === b.scale.length &&
      a.scale.every((s, i) => s === b.scale[i]) &&
      a.zeroPoint.every((z, i) => z === b.zeroPoint[i]))
  );
}
