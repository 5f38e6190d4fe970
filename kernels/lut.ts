/** Tables for unary functions of one 8-bit code (op qlut). */
import { clamp, type TieRounding } from './requantize.js';
import { roundHalfAway, roundHalfEven } from './rounding.js';
import type { CodeArray } from './types.js';

/** Per-tensor quantization parameters of an 8-bit tensor. */
export interface CodeQParams {
  readonly dtype: 'int8' | 'uint8';
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The smallest code of an array's type: what index 0 of a table stands for. */
export function codeMin(codes: CodeArray): number {
  return codes instanceof Int8Array ? -128 : 0;
}

/**
 * The 256 codes of `y = fn(x)`, from the smallest input code to the largest: dequantize, apply, quantize, each step
 * rounded to float32 as if the float op ran between a DequantizeLinear and a QuantizeLinear:
 * `table[q - quantMin] = clamp(round(f32(f32(fn(f32((q - zx) * sx))) / sy)) + zy, min, max)`; where fn is NaN, zy.
 *
 * Ties go to even (ONNX, float numerics) or away from zero (TFLite). `output.min` and `output.max` default to the
 * range of the type.
 */
export function buildLut(
  fn: (x: number) => number,
  input: CodeQParams,
  output: CodeQParams & { readonly min?: number; readonly max?: number },
  rounding: TieRounding = 'even',
): CodeArray {
  const round = rounding === 'even' ? roundHalfEven : roundHalfAway;
  const table = output.dtype === 'int8' ? new Int8Array(256) : new Uint8Array(256);
  const inputMin = input.dtype === 'int8' ? -128 : 0;
  const outputMin = codeMin(table);
  const { min = outputMin, max = outputMin + 255, zeroPoint } = output;
  const inputScale = Math.fround(input.scale);
  const outputScale = Math.fround(output.scale);
  for (let i = 0; i < 256; i++) {
    const y = Math.fround(fn(Math.fround((i + inputMin - input.zeroPoint) * inputScale)));
    table[i] = Number.isNaN(y) ? zeroPoint : clamp(round(Math.fround(y / outputScale)) + zeroPoint, min, max);
  }
  return table;
}
