/** Checks of constructor arguments; shapes of inputs are checked by the ops. */
import { checkWhole } from '../core/checks.js';
import { ArgumentError } from '../core/index.js';

/** Throws ArgumentError unless `value` is a whole number >= 1 that divides `total`. */
export function checkDivides(name: string, value: number, totalName: string, total: number): void {
  checkWhole(name, value);
  if (total % value !== 0)
    throw new ArgumentError(
      `${name}: ${value} does not divide ${totalName}, which is ${total}; choose a divisor`,
    );
}

/** A size for both directions, or [height, width]. */
export type Size2d = number | readonly [number, number];

export function pair(size: Size2d): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : size;
}
