/** JSON of files: strict reading of untrusted text, and writing that loses nothing silently. */
import { ArgumentError, FormatError } from '../core/errors.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Lists and objects in each other, at most this deep. */
export const MAX_JSON_DEPTH = 1000;

/**
 * What parsing may cost: a multiple of the text, and room for the many values of a small file. A value takes far more
 * memory than the two characters that it may have in the text.
 */
const BUDGET = { perCharacter: 2, bytes: 48e6 };
const CONTAINER_BYTES = 150;
const ENTRY_BYTES = 120;

/**
 * Parses `text`. Throws {@link FormatError} when it is not JSON, when an object names a key twice (parsers disagree on
 * which of the two counts, so such a file means different things to different readers), when values are nested more
 * than {@link MAX_JSON_DEPTH} deep, or when they are so many that they would take much more memory than the text.
 */
export function parseJson(text: string, what: string): Json {
  checkCost(text, what);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new FormatError(`${what}: not valid JSON (${(error as Error).message}); the file is corrupt`);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== null)
    throw new FormatError(
      `${what}: the key ${JSON.stringify(duplicate)} appears twice; each may appear once`,
    );
  return value;
}

/** Counts brackets and commas before anything is parsed; text that is no JSON gets some count or other. */
function checkCost(text: string, what: string): void {
  let depth = 0;
  let cost = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === ',') cost += ENTRY_BYTES;
    else if (c === '"') i = endOfString(text, i);
    else if (c === ']' || c === '}') depth--;
    else if (c === '[' || c === '{') {
      cost += CONTAINER_BYTES;
      if (++depth > MAX_JSON_DEPTH)
        throw new FormatError(`${what}: nested more than ${MAX_JSON_DEPTH} deep; the file is corrupt`);
    }
  }
  if (cost > BUDGET.perCharacter * text.length + BUDGET.bytes)
    throw new FormatError(
      `${what}: ${text.length} characters with so many values that they take about ${cost} bytes of memory; the file is corrupt`,
    );
}

/** Where the string ends that starts at `start`: at its closing quote, or beyond the text. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

/** The first key that some object of a valid JSON text has twice, or null. */
function findDuplicateKey(text: string): string | null {
  const open: Set<string>[] = [];
  // By hand: a regular expression keeps a backtracking state per character, too much for a string of many megabytes.
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '{') open.push(new Set());
    else if (c === '}') open.pop();
    else if (c === '"') {
      const start = i;
      i = endOfString(text, start);
      let next = i + 1;
      while (WHITESPACE.has(text[next])) next++;
      if (text[next] !== ':') continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

const WHITESPACE = new Set([' ', '\t', '\n', '\r']);

export function isJsonObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * JSON text of a value. Throws {@link ArgumentError} for what JSON would drop or turn into null: NaN, infinities,
 * undefined, functions.
 */
export function formatJson(value: Json, name: string): string {
  return JSON.stringify(value, (key, v: unknown) => {
    const lost = v === undefined || typeof v === 'function' || (typeof v === 'number' && !Number.isFinite(v));
    if (lost)
      throw new ArgumentError(
        `${name}: ${String(v)} at key "${key}" has no JSON form; use a finite number or a string`,
      );
    return v;
  });
}
