/** How a loss per element becomes one number. */
import { ArgumentError } from '../core/index.js';

export type Reduction = 'mean' | 'sum' | 'none';

export function checkReduction<R extends string>(op: string, reduction: R, allowed: readonly R[]): void {
  if (!allowed.includes(reduction))
    throw new ArgumentError(
      `reduction: '${reduction}' is unknown to ${op}; use one of ${allowed.join(', ')}`,
    );
}
