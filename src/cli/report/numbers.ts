/** Numbers as the report prints them, and the few that it derives. */
import type { Histogram, Variant } from './types.js';

/** 0.91234 -> `91.23 %`. */
export function formatPercent(fraction: number, digits = 2): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** {@link formatPercent}, but for what would look like nothing: 0.00001 -> `< 0.01 %`. */
export function formatShare(fraction: number): string {
  return fraction !== 0 && Math.abs(fraction) < 1e-4 ? '< 0.01 %' : formatPercent(fraction);
}

/** A difference of fractions in percentage points, always signed: `-0.12`, `+0.03`, `0.00`. */
export function formatPoints(difference: number): string {
  const text = Math.abs(100 * difference).toFixed(2);
  if (Number(text) === 0) return text;
  return (difference < 0 ? '\u2212' : '+') + text;
}

/** `exact` where nothing is lost; empty for null. */
export function formatDecibel(db: number | null): string {
  if (db === null) return '';
  return db === Infinity ? 'exact' : db === -Infinity ? 'none' : db.toFixed(1);
}

/** 12345 -> `12.1 KiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(2)} MiB`;
}

/** 1234567 -> `1,234,567`. */
export function formatCount(n: number): string {
  return n.toLocaleString('en-US');
}

/** Three significant digits, without an exponent for times of everyday size. */
export function formatMilliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** 754 -> `12 min 34 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function isFloatVariant(v: Variant): boolean {
  return v.weight_bits >= 32;
}

/** `float`, or weight and activation bits: `8 / 8`. */
export function formatBits(v: Variant): string {
  return isFloatVariant(v) ? 'float' : `${v.weight_bits} / ${v.activation_bits}`;
}

/** Variants by model, in the order of first appearance, each with its float variant if there is one. */
export function groupByModel(
  variants: readonly Variant[],
): { model: string; float: Variant | null; variants: Variant[] }[] {
  const models = [...new Set(variants.map((v) => v.model))];
  return models.map((model) => {
    const own = variants.filter((v) => v.model === model);
    return { model, float: own.find(isFloatVariant) ?? null, variants: own };
  });
}

/** The real numbers that the codes of a histogram's grid stand for, ascending. */
export function gridPoints({ grid }: Histogram): readonly number[] {
  if (!('scale' in grid)) return grid;
  const { scale, zeroPoint, quantMin, quantMax } = grid;
  return Array.from({ length: quantMax - quantMin + 1 }, (_, i) => (quantMin + i - zeroPoint) * scale);
}

/**
 * The fraction of values beyond the ends of the grid by more than half a step, which quantization clips. A bin that
 * straddles an end counts in proportion, so this is an estimate.
 */
export function clippedFraction(histogram: Histogram): number {
  const points = gridPoints(histogram);
  if (points.length < 2) return 0;
  const last = points.length - 1;
  const low = points[0] - (points[1] - points[0]) / 2;
  const high = points[last] + (points[last] - points[last - 1]) / 2;
  let total = 0;
  let inside = 0;
  histogram.counts.forEach((count, i) => {
    const [from, to] = [histogram.edges[i], histogram.edges[i + 1]];
    const overlap = Math.max(0, Math.min(to, high) - Math.max(from, low));
    total += count;
    inside += to > from ? (count * overlap) / (to - from) : from >= low && from <= high ? count : 0;
  });
  return total === 0 ? 0 : Math.max(0, 1 - inside / total);
}

/** Standard error of an accuracy measured on `images` independent images. */
export function standardError(top1: number, images: number): number {
  return Math.sqrt((top1 * (1 - top1)) / images);
}
