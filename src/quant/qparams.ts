/** From a range of real numbers to quantization parameters. */
import {
  checkQParams,
  MIN_NORMAL_F32,
  qdtypeOf,
  QuantizationError,
  type QParams,
  type QRange,
} from '../core/index.js';
import { roundHalfAway, roundHalfEven } from '../../kernels/rounding.js';

/**
 * float32 machine epsilon, 2^-23: the smallest scale that is chosen, and so the scale of a range of zero width
 * (PyTorch's safe scale).
 */
export const MIN_SCALE = 2 ** -23;

export type QParamsConvention = 'torch' | 'tflite';

export interface ChooseQParamsOptions extends QRange {
  /** One zero point in the middle of the codes: 0 for every signed range. */
  symmetric: boolean;
  /** Default 'torch'. */
  convention?: QParamsConvention;
  /** The axis that `min` and `max` run along; null or left out for per tensor. */
  axis?: number | null;
  /** What the range belongs to, for error messages. */
  name?: string;
}

/** Scale and zero point of one range, before float32 rounding and before a safe scale replaces 0. */
export interface ScaleAndZeroPoint {
  scale: number;
  zeroPoint: number;
}

/**
 * The zero point of symmetric quantization, `ceil((quantMin + quantMax) / 2)`: 0 for signed ranges, narrow or not, and
 * for unsigned ones the code in the middle (128 of [0, 255]), so that uint8 codes are int8 codes plus 128.
 */
export function symmetricZeroPoint({ quantMin, quantMax }: QRange): number {
  return Math.ceil((quantMin + quantMax) / 2) + 0; // + 0 turns -0 into 0
}

function torchParams(lo: number, hi: number, range: QRange, symmetric: boolean): ScaleAndZeroPoint {
  const { quantMin, quantMax } = range;
  const steps = quantMax - quantMin;
  const exact = symmetric ? Math.max(-lo, hi) / (steps / 2) : (hi - lo) / steps;
  const scale = Math.max(Math.fround(exact), MIN_SCALE);
  if (symmetric) return { scale, zeroPoint: symmetricZeroPoint(range) };
  const z = quantMin - roundHalfEven(Math.fround(lo / scale));
  return { scale, zeroPoint: Math.min(Math.max(z, quantMin), quantMax) };
}

/**
 * ChooseQuantizationParams of the TFLite converter, in double precision: the zero point is nudged from the end of the
 * range with the smaller error and rounded half away from zero; a range of zero width gives scale 0, zero point 0.
 * Symmetric: `max(|lo|, |hi|)` falls on the outermost code that both signs have (127 of [-128, 127]).
 *
 * {@link chooseQParams} puts a safe scale in place of 0; use this function only to compare with TFLite.
 */
export function tfliteParams(min: number, max: number, range: QRange, symmetric = false): ScaleAndZeroPoint {
  const { quantMin, quantMax } = range;
  const lo = Math.min(min, 0);
  const hi = Math.max(max, 0);
  const middle = symmetricZeroPoint(range);
  if (lo === hi)
    return { scale: 0, zeroPoint: symmetric ? middle : Math.min(Math.max(0, quantMin), quantMax) };
  if (symmetric)
    return { scale: Math.max(-lo, hi) / Math.min(middle - quantMin, quantMax - middle), zeroPoint: middle };
  const scale = (hi - lo) / (quantMax - quantMin);
  const fromMin = quantMin - lo / scale;
  const fromMax = quantMax - hi / scale;
  const errorMin = Math.abs(quantMin) + Math.abs(lo / scale);
  const errorMax = Math.abs(quantMax) + Math.abs(hi / scale);
  const z = roundHalfAway(errorMin < errorMax ? fromMin : fromMax) + 0;
  return { scale, zeroPoint: Math.min(Math.max(z, quantMin), quantMax) };
}

function checkRange(lo: number, hi: number, label: string): void {
  if (!Number.isFinite(lo) || !Number.isFinite(hi))
    throw new QuantizationError(
      `${label}: the range [${lo}, ${hi}] is not finite; look for NaN, Infinity or float32 overflow in what was observed`,
    );
  if (lo > hi) throw new QuantizationError(`${label}: min ${lo} is above max ${hi}; swap them`);
}

/**
 * Quantization parameters for values in `[min, max]`, widened to contain 0 so that 0 is exact.
 *
 * - affine: `scale = (max - min) / (quantMax - quantMin)`, `zeroPoint = clamp(quantMin - rne(f32(min / scale)))`, so that
 *   `min` gets the code quantMin
 * - symmetric: `scale = max(|min|, |max|) / ((quantMax - quantMin) / 2)`, `zeroPoint` = {@link symmetricZeroPoint}
 *
 * Scales are computed in double precision, rounded once to float32 and at least {@link MIN_SCALE} (source: PyTorch,
 * `torch.ao.quantization.observer`). Convention 'tflite' follows {@link tfliteParams} instead, keeps every scale that is
 * a normal float32, and uses MIN_SCALE only for a range of zero width.
 *
 * @param min one number, or one per index of `axis`
 * @throws QuantizationError for NaN, infinite or reversed ranges, ranges without 2 codes, or lengths that do not fit
 */
export function chooseQParams(
  min: number | ArrayLike<number>,
  max: number | ArrayLike<number>,
  options: ChooseQParamsOptions,
): QParams {
  const { quantMin, quantMax, symmetric, convention = 'torch', axis = null, name = 'range' } = options;
  if (!Number.isInteger(quantMin) || !Number.isInteger(quantMax) || quantMin >= quantMax)
    throw new QuantizationError(
      `${name}: quantMin ${quantMin} and quantMax ${quantMax} are not a range of codes; give integers, quantMin < quantMax`,
    );
  const mins = typeof min === 'number' ? [min] : min;
  const maxs = typeof max === 'number' ? [max] : max;
  const n = mins.length;
  if (n !== maxs.length || n === 0)
    throw new QuantizationError(
      `${name}: ${n} minima and ${maxs.length} maxima; give one of each per channel`,
    );
  if (axis === null && n !== 1)
    throw new QuantizationError(`${name}: ${n} ranges without an axis; set axis, or give one range`);
  const range = { quantMin, quantMax };
  const scale = new Float32Array(n);
  const zeroPoint = new Int32Array(n);
  for (let c = 0; c < n; c++) {
    checkRange(mins[c], maxs[c], axis === null ? name : `${name}, channel ${c}`);
    const lo = Math.min(mins[c], 0);
    const hi = Math.max(maxs[c], 0);
    const chosen =
      convention === 'tflite'
        ? tfliteParams(lo, hi, range, symmetric)
        : torchParams(lo, hi, range, symmetric);
    scale[c] = chosen.scale === 0 ? MIN_SCALE : Math.max(chosen.scale, MIN_NORMAL_F32);
    zeroPoint[c] = chosen.zeroPoint;
  }
  return checkQParams({ dtype: qdtypeOf(range), scale, zeroPoint, axis, quantMin, quantMax }, name);
}
