/** Checks of constructor arguments; shapes of inputs are checked by the ops. */
import { ArgumentError } from '../core/index.js';

/** Throws ArgumentError unless `value` is a whole number >= 1. */
export function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new ArgumentError(`${name}: ${value} must be a whole number >= 1`);
}

/** Throws ArgumentError unless `value` is a whole number >= 1 that divides `total`. */
export function checkDivides(name: string, value: number, totalName: string, total: number): void {
  checkCount(name, value);
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
