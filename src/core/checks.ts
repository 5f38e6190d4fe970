/** Checks of arguments that all folders share. */
import { ArgumentError } from './errors.js';

/** Throws ArgumentError unless `value` is a whole number from `min` to `max`. */
export function checkWhole(name: string, value: number, min = 1, max = Infinity): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = max < Infinity ? `from ${min} to ${max}` : `>= ${min}`;
  throw new ArgumentError(`${name}: ${value} must be a whole number ${range}`);
}
