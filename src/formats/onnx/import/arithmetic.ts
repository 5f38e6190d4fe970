/** Operators of two operands: what they are on numbers, and the node of the graph where there is one. */
import type { OpName } from '../../../graph/index.js';

/** Bounds that let every float through. */
export const LOWEST = -3.4028234663852886e38;
export const HIGHEST = 3.4028234663852886e38;

interface Binary {
  /** On integers, or on floats. */
  f(integers: boolean): (a: number, b: number) => number;
  readonly op?: Extract<OpName, 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum'>;
  /** Makes truth values. */
  readonly truth?: true;
}

const both =
  (f: (a: number, b: number) => number): Binary['f'] =>
  () =>
    f;
const test = (f: (a: number, b: number) => boolean): Binary => ({
  f: both((a, b) => Number(f(a, b))),
  truth: true,
});
const NAMES = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Max',
  'Min',
  'Pow',
  'Mod',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'And',
  'Or',
  'Xor',
] as const;
export type BinaryName = (typeof NAMES)[number];

/** Remainder with the sign of the divisor, as Python has it. */
const modulo = (a: number, b: number): number => (b === 0 ? 0 : a - b * Math.floor(a / b));

export const BINARY: { readonly [N in BinaryName]: Binary } = {
  Add: { f: both((a, b) => a + b), op: 'add' },
  Sub: { f: both((a, b) => a - b), op: 'sub' },
  Mul: { f: both((a, b) => a * b), op: 'mul' },
  // Integers divided by 0 are undefined in ONNX.
  Div: { f: (integers) => (a, b) => (integers ? (b === 0 ? 0 : Math.trunc(a / b)) : a / b), op: 'div' },
  Max: { f: both(Math.max), op: 'maximum' },
  Min: { f: both(Math.min), op: 'minimum' },
  Pow: { f: both(Math.pow) },
  Mod: { f: both(modulo) },
  Equal: test((a, b) => a === b),
  Greater: test((a, b) => a > b),
  GreaterOrEqual: test((a, b) => a >= b),
  Less: test((a, b) => a < b),
  LessOrEqual: test((a, b) => a <= b),
  And: test((a, b) => a !== 0 && b !== 0),
  Or: test((a, b) => a !== 0 || b !== 0),
  Xor: test((a, b) => (a !== 0) !== (b !== 0)),
};

export const BINARY_NAMES: readonly BinaryName[] = NAMES;
