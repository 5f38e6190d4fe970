/**
 * From int32 accumulators to codes: `y = clamp(round(acc * m) + zeroPoint, min, max)` with m = sx * sw / sy.
 * These functions are normative: fake quantization, every kernel and every exporter follow them.
 */
import { multiplyByQuantizedMultiplier, quantizeMultiplier } from './fixedPoint.js';
import { roundHalfAway, roundHalfEven } from './rounding.js';
import type { Numerics, Requantization } from './types.js';

export * from './fixedPoint.js';

export interface RequantizationScales {
  /** sx */
  readonly inputScale: number;
  /** sw: one value, or one per output channel */
  readonly weightScale: Float32Array;
  /** sy */
  readonly outputScale: number;
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

/** Multiplies by `reals`: as float32, or as the nearest 31-bit multipliers and shifts. */
export function requantizationOf(
  p: Numerics,
  reals: readonly number[],
  { zeroPoint, min, max }: Pick<Requantization, 'zeroPoint' | 'min' | 'max'>,
): Requantization {
  if (p.numerics === 'float')
    return { numerics: 'float', multiplier: Float32Array.from(reals), zeroPoint, min, max };
  const parts = reals.map(quantizeMultiplier);
  return {
    numerics: 'fixed',
    rounding: p.rounding,
    multiplier: Int32Array.from(parts, (part) => part.multiplier),
    shift: Int32Array.from(parts, (part) => part.shift),
    zeroPoint,
    min,
    max,
  };
}

/** `m[c] = f32(f32(sx * sw[c]) / sy)` (ONNX Runtime's QLinearConv) */
export function floatRequantization(p: RequantizationScales): Requantization {
  return buildRequantization({ numerics: 'float' }, p);
}

/** `quantizeMultiplier(sx * sw[c] / sy)`, the quotient in double (TFLite's PopulateConvolutionQuantizationParams) */
export function fixedRequantization(
  p: RequantizationScales & { readonly rounding: 'double' | 'single' },
): Requantization {
  return buildRequantization({ numerics: 'fixed', rounding: p.rounding }, p);
}

/** The one of the two that `numerics` names. */
export function buildRequantization(numerics: Numerics, p: RequantizationScales): Requantization {
  const inputScale = Math.fround(p.inputScale);
  const outputScale = Math.fround(p.outputScale);
  const round = numerics.numerics === 'float' ? Math.fround : Number;
  const reals = Array.from(p.weightScale, (weightScale) => round(inputScale * weightScale) / outputScale);
  return requantizationOf(numerics, reals, p);
}

/**
 * The code of one int32 accumulator of output channel `channel`.
 * - float: `clamp(rne(f32(f32(acc) * m)) + zeroPoint)`
 * - fixed: `clamp(multiplyByQuantizedMultiplier(acc, multiplier, shift) + zeroPoint)`
 */
export function applyRequantization(acc: number, channel: number, r: Requantization): number {
  const c = r.multiplier.length === 1 ? 0 : channel;
  const scaled =
    r.numerics === 'float'
      ? roundHalfEven(Math.fround(Math.fround(acc) * r.multiplier[c]))
      : multiplyByQuantizedMultiplier(acc, r.multiplier[c], r.shift[c], r.rounding);
  return clamp(scaled + r.zeroPoint, r.min, r.max);
}

export function clamp(x: number, min: number, max: number): number {
  return x < min ? min : x > max ? max : x;
}

/** Activations that are a clamp of the output codes, by their TFLite names. */
export type ClampActivation = 'none' | 'relu' | 'relu6' | 'relu_n1_to_1';
export type TieRounding = 'even' | 'away';

const REAL_RANGES: Readonly<Record<ClampActivation, readonly [number, number]>> = {
  none: [-Infinity, Infinity],
  relu: [0, Infinity],
  relu6: [0, 6],
  relu_n1_to_1: [-1, 1],
};

/**
 * The codes [min, max] that a fused activation leaves of [quantMin, quantMax]: each bound v becomes
 * `round(f32(v / scale)) + zeroPoint`. Float numerics rounds ties to even, so that the clamp is what quantizing the
 * activated real would give; TFLite rounds them away from zero.
 */
export function activationRange(
  activation: ClampActivation,
  scale: number,
  zeroPoint: number,
  quantMin: number,
  quantMax: number,
  rounding: TieRounding,
): { min: number; max: number } {
  const round = rounding === 'even' ? roundHalfEven : roundHalfAway;
  const [low, high] = REAL_RANGES[activation].map(
    (v) => round(Math.fround(v / Math.fround(scale))) + zeroPoint,
  );
  return { min: clamp(low, quantMin, quantMax), max: clamp(high, quantMin, quantMax) };
}
