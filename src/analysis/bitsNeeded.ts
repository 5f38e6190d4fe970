/**
 * The fewest bits with which a tensor alone keeps a signal-to-noise ratio: measured by quantizing its values at each width
 * with min-max ranges, as Lin et al. choose widths by SQNR ("Fixed Point Quantization of Deep Convolutional Networks",
 * arXiv:1511.06393; there by the rule of thumb of 6 dB a bit).
 */
import type { FloatNDArray, QParams, QRange } from '../core/index.js';
import { dequantizeArray, quantizeArray } from '../ops/index.js';
import { chooseQParams, symmetricZeroPoint } from '../quant/index.js';
import type { Distribution } from '../quant/observers/distribution.js';
import { quantizationError } from '../quant/observers/histogram.js';
import { batchRange } from '../quant/observers/range.js';
import { sqnr } from './noise.js';

/** Tried from 2 bits on. */
export const MOST_BITS = 16;

/** How a grid is laid out, at any width. */
export interface GridForm {
  readonly signed: boolean;
  /** Without the lowest code. */
  readonly narrow: boolean;
  readonly symmetric: boolean;
  readonly axis: number | null;
}

/** Of a tensor without a grid: per tensor, signed, affine. */
const DEFAULT_FORM: GridForm = { signed: true, narrow: false, symmetric: false, axis: null };

export function formOf(qparams: QParams | null): GridForm {
  if (qparams === null) return DEFAULT_FORM;
  const { quantMin, quantMax, zeroPoint, axis } = qparams;
  const middle = symmetricZeroPoint(qparams);
  return {
    signed: quantMin < 0,
    narrow: quantMin < 0 && quantMin === -quantMax,
    symmetric: zeroPoint.every((z) => z === middle),
    axis,
  };
}

/** Like `quantRange`, beyond 8 bits too. */
function codesOf(bits: number, { signed, narrow }: GridForm): QRange {
  if (!signed) return { quantMin: 0, quantMax: 2 ** bits - 1 };
  return { quantMin: -(2 ** (bits - 1)) + (narrow ? 1 : 0), quantMax: 2 ** (bits - 1) - 1 };
}

function fewest(threshold: number, sqnrAt: (bits: number) => number): number | null {
  for (let bits = 2; bits <= MOST_BITS; bits++) if (sqnrAt(bits) >= threshold) return bits;
  return null;
}

/** Of values that were gathered over batches, per tensor. Null where {@link MOST_BITS} are too few. */
export function bitsForDistribution(d: Distribution, form: GridForm, threshold: number): number | null {
  const energy = d.sum((v) => v * v);
  return fewest(threshold, (bits) => {
    const spec = { ...codesOf(bits, form), symmetric: form.symmetric, axis: null, name: 'values' };
    const error = quantizationError(d, d, spec);
    return error === 0 ? Infinity : 10 * Math.log10(energy / error);
  });
}

/** Of an array, with one range for each index of the axis of the form. Null where {@link MOST_BITS} are too few. */
export function bitsForArray(x: FloatNDArray, form: GridForm, threshold: number): number | null {
  const { min, max } = batchRange(x, form.axis, 'values');
  return fewest(threshold, (bits) => {
    const { symmetric, axis } = form;
    const qparams = chooseQParams(min, max, { ...codesOf(bits, form), symmetric, axis });
    return sqnr(x.data, dequantizeArray(quantizeArray(x, qparams), qparams).data);
  });
}
