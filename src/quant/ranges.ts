/** What a calibrated module observed, for reports: once inputs of a concatenation share a scale, codes no longer show it. */
import type { ValueId } from '../graph/index.js';
import { inputCodes } from './convert.js';
import type { QuantizedModule } from './quantizedModule.js';

/** Range of each value, by its name in the integer graph; without those of fixed scales and those nobody observed. */
export function observedRanges(
  module: QuantizedModule,
): Map<ValueId, { readonly min: number; readonly max: number }> {
  const ranges = new Map<ValueId, { readonly min: number; readonly max: number }>();
  const { values, inputs } = module.graph;
  for (const id of values.keys()) {
    const range = module.quantizer(id)?.range() ?? null;
    if (range !== null) ranges.set(inputs.includes(id) ? inputCodes(id) : id, range);
  }
  return ranges;
}
