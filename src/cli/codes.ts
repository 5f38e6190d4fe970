/** What a comparison of codes says, for a reader and for a program. */
import type { CodeComparison } from '../quant/index.js';
import { FailedRun } from './command.js';
import { formatCount } from './report/numbers.js';
import { counted } from './text.js';

export function describeCodes({ codesDifferent, codesCompared, tensors, images }: CodeComparison): string {
  return `${formatCount(codesDifferent)} of ${formatCount(codesCompared)} codes differ between fake quantization and the integer runtime (${counted(tensors, 'tensor')}, ${counted(images, 'image')})`;
}

export function codesData({ codesDifferent, codesCompared, tensors, images }: CodeComparison): object {
  return { images, tensors, codes_compared: codesCompared, codes_different: codesDifferent };
}

/** Throws FailedRun where a code differs. */
export function requireSameCodes({ codesDifferent, byValue }: CodeComparison): void {
  if (codesDifferent > 0) throw new FailedRun(`the codes differ in ${[...byValue.keys()].join(', ')}`);
}
