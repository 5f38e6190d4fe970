/** Nested state (objects, lists, maps, numbers, arrays) <-> a JSON document plus named tensors. */
import type { TypedArray } from '../core/dtype.js';
import { ArgumentError, FormatError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { isJsonObject, type Json } from './json.js';

/** What a checkpoint can hold. Typed arrays come back as NDArrays of rank 1, everything else as it was. */
export type StateTree =
  | null
  | boolean
  | number
  | string
  | NDArray
  | TypedArray
  | ReadonlyMap<string, StateTree>
  | readonly StateTree[]
  | { readonly [key: string]: StateTree };

/** What {@link joinState} gives: no typed arrays. Check the shape of it before use: it comes from a file. */
export type LoadedState =
  | null
  | boolean
  | number
  | string
  | NDArray
  | Map<string, LoadedState>
  | LoadedState[]
  | { [key: string]: LoadedState };

// Objects with one of these keys stand for what JSON lacks. A key of the state's own that starts with $ gets one more.
const TENSOR = '$tensor';
const NUMBER = '$number';
const MAP = '$map';
const SPECIAL_NUMBERS = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);
const MAX_DEPTH = 100;

/** Takes the tensors out of `tree`, named by their path (`model/conv1.weight`). */
export function splitState(tree: StateTree): { document: Json; tensors: Map<string, NDArray> } {
  const tensors = new Map<string, NDArray>();
  const store = (array: NDArray, path: string): Json => {
    let name = path;
    for (let i = 2; tensors.has(name); i++) name = `${path}~${i}`;
    tensors.set(name, array);
    return { [TENSOR]: name };
  };
  const walk = (v: StateTree, path: string, depth: number): Json => {
    if (depth > MAX_DEPTH)
      throw new ArgumentError(`state: deeper than ${MAX_DEPTH} levels at ${path}; is it cyclic?`);
    const child = (key: string | number, c: StateTree): Json =>
      walk(c, path === '' ? `${key}` : `${path}/${key}`, depth + 1);
    if (v === null || typeof v === 'boolean' || typeof v === 'string') return v;
    if (typeof v === 'number') return specialName(v) ?? v;
    if (v instanceof NDArray) return store(v, path);
    if (ArrayBuffer.isView(v)) return store(new NDArray(v, [v.length]), path);
    if (v instanceof Map) return { [MAP]: [...v].map(([k, c]: [string, StateTree]) => [k, child(k, c)]) };
    if (Array.isArray(v)) return v.map((c: StateTree, i) => child(i, c));
    if (typeof v !== 'object' || !isPlain(v))
      throw new ArgumentError(
        `state: ${describe(v)} at ${path} cannot be stored; use numbers, text, arrays, maps or objects`,
      );
    return Object.fromEntries(
      Object.entries(v).map(([k, c]) => [k.startsWith('$') ? `$${k}` : k, child(k, c as StateTree)]),
    );
  };
  return { document: walk(tree, '', 0), tensors };
}

/** Anything else has a class, and methods or private fields that would be lost. */
function isPlain(v: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(v);
  return prototype === null || prototype === Object.prototype;
}

function describe(v: unknown): string {
  return typeof v === 'object' && v !== null ? `an instance of ${v.constructor.name}` : typeof v;
}

function specialName(v: number): Json | null {
  if (Number.isFinite(v) && !Object.is(v, -0)) return null;
  return { [NUMBER]: Object.is(v, -0) ? '-0' : String(v) };
}

/** Puts the tensors back. Throws {@link FormatError} when the document asks for what is not there. */
export function joinState(document: Json, tensors: ReadonlyMap<string, NDArray>): LoadedState {
  const walk = (v: Json, depth: number): LoadedState => {
    if (depth > MAX_DEPTH) throw new FormatError(`bytes: the document is deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(v)) return v.map((c: Json) => walk(c, depth + 1));
    if (!isJsonObject(v)) return v as null | boolean | number | string;
    if (TENSOR in v) return find(tensors, v[TENSOR], 'tensor');
    if (NUMBER in v) return find(SPECIAL_NUMBERS, v[NUMBER], 'number');
    if (MAP in v) return readMap(v[MAP], (c) => walk(c, depth + 1));
    return Object.fromEntries(
      Object.entries(v).map(([k, c]) => [k.startsWith('$$') ? k.slice(1) : k, walk(c, depth + 1)]),
    );
  };
  return walk(document, 0);
}

function find<T>(where: ReadonlyMap<string, T>, name: Json, what: string): T {
  const found = typeof name === 'string' ? where.get(name) : undefined;
  if (found === undefined)
    throw new FormatError(`bytes: the document names an unknown ${what} ${JSON.stringify(name)}`);
  return found;
}

function readMap(value: Json, read: (v: Json) => LoadedState): Map<string, LoadedState> {
  if (!Array.isArray(value)) throw new FormatError('bytes: a map in the document is not a list of entries');
  const map = new Map<string, LoadedState>();
  for (const entry of value as readonly Json[]) {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string')
      throw new FormatError('bytes: a map in the document has an entry that is not [key, value]');
    map.set(entry[0], read(entry[1] as Json));
  }
  return map;
}
