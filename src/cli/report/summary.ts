/** The findings of a report in sentences, for the page and the terminal alike. */
import {
  formatCount,
  formatPercent,
  formatPoints,
  groupByModel,
  isFloatVariant,
  standardError,
} from './numbers.js';
import type { Report, Variant } from './types.js';

/** Per model: the float accuracy and the best of the 8-bit variants (else of all that are quantized). */
export function headlines({ variants }: Report): string[] {
  return groupByModel(variants).flatMap(({ model, float, variants: own }) => {
    const quantized = own.filter((v) => !isFloatVariant(v));
    const eight = quantized.filter((v) => v.weight_bits === 8);
    const candidates = eight.length > 0 ? eight : quantized;
    if (candidates.length === 0) return [];
    const best = candidates.reduce((a, b) => (b.top1 > a.top1 ? b : a));
    return [sentence(model, float, best)];
  });
}

function sentence(model: string, float: Variant | null, best: Variant): string {
  const own = `${model}: the best ${best.weight_bits}-bit variant (${best.name}) reaches ${formatPercent(best.top1)}`;
  if (float === null) return `${own}.`;
  const times = (float.bytes / best.bytes).toFixed(1);
  return `${own}, ${formatPoints(best.top1 - float.top1)} points against float; its file is ${times} times smaller.`;
}

export interface Verdict {
  readonly good: boolean;
  readonly text: string;
}

/** Whether training and runtime agree, over all comparisons; null if none was made. */
export function verdict({ exactness }: Report): Verdict | null {
  const compared = exactness.reduce((sum, e) => sum + e.codes_compared, 0);
  const different = exactness.reduce((sum, e) => sum + e.codes_different, 0);
  if (compared === 0) return null;
  return different === 0
    ? { good: true, text: `All ${formatCount(compared)} codes compared are equal.` }
    : { good: false, text: `${formatCount(different)} of ${formatCount(compared)} codes differ.` };
}

/** How far an accuracy may be off by the choice of test images, so that small differences are not over-read. */
export function accuracyCaveat({ variants, test_images: images }: Report): string {
  if (variants.length === 0 || images === 0) return '';
  const best = Math.max(...variants.map((v) => v.top1));
  const error = 100 * standardError(best, images);
  return (
    `Measured on ${formatCount(images)} test images, one run each: the standard error of a single accuracy is about ` +
    `${error.toFixed(2)} points, and another seed moves it too. Differences smaller than that are no ranking.`
  );
}
