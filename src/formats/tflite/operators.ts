/** Builtin operators by name: their code, and the table of their options. */
import { BUILTINS, PLAIN } from './builtins.js';
import type { Table } from './fields.js';
import { OPTIONS } from './schema.js';
import type { TfliteBuiltin } from './types.js';

interface Builtin {
  readonly code: number;
  /** Index in the union BuiltinOptions; 0 for operators without options. */
  readonly optionsType: number;
  readonly options: Table<unknown> | null;
}

/** A Map: names come from callers, and `__proto__` is one. */
const KNOWN: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ...PLAIN.map((op) => [op, { code: BUILTINS.indexOf(op), optionsType: 0, options: null }] as const),
  ...Object.entries(OPTIONS).map(
    ([op, [optionsType, options]]) =>
      [op, { code: (BUILTINS as readonly string[]).indexOf(op), optionsType, options }] as const,
  ),
]);

/** Null for operators whose options are not known here. */
export function builtin(op: string): (Builtin & { readonly op: TfliteBuiltin }) | null {
  const known = KNOWN.get(op);
  return known === undefined ? null : { ...known, op: op as TfliteBuiltin };
}

/** All of {@link TfliteBuiltin}. */
export const TFLITE_BUILTINS = [...KNOWN.keys()] as TfliteBuiltin[];
