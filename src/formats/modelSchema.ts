/** The attributes of each op as they stand in a file, with the check that reads them back. Files are untrusted. */
import { FormatError, type Shape } from '../core/index.js';
import type { BatchNormRef, Node, NodeAttrs, OpName, Padding, Pair, UnaryFunction } from '../graph/index.js';
import { isJsonObject, type Json } from './json.js';

/** Reads a value, or throws FormatError. Where there is a fallback, a value that equals it is left out of the file. */
interface Reader<T> {
  (value: Json | undefined, where: string): T;
  readonly fallback?: T;
}
type Schema<A> = { readonly [K in keyof A]: Reader<A[K]> };

function fail(where: string, want: string, value: Json | undefined): never {
  const text = value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40);
  throw new FormatError(`${where}: ${text} where ${want} is expected; the file is corrupt`);
}

export const text: Reader<string> = (v, where) => (typeof v === 'string' ? v : fail(where, 'a string', v));
export const finite: Reader<number> = (v, where) =>
  typeof v === 'number' && Number.isFinite(v) ? v : fail(where, 'a number', v);
export const integer: Reader<number> = (v, where) =>
  typeof v === 'number' && Number.isInteger(v) && Math.abs(v) <= 2 ** 31
    ? v
    : fail(where, 'a 32-bit whole number', v);
export const bool: Reader<boolean> = (v, where) =>
  typeof v === 'boolean' ? v : fail(where, 'true or false', v);

const MAX_SIZE = 2 ** 31 - 1;

export const count: Reader<number> = (v, where) =>
  typeof v === 'number' && Number.isInteger(v) && v >= 0 && v <= MAX_SIZE
    ? v
    : fail(where, 'a whole number >= 0', v);
const positive: Reader<number> = (v, where) => {
  const n = count(v, where);
  return n > 0 ? n : fail(where, 'a whole number > 0', v);
};

export function list<T>(item: Reader<T>, length?: number): Reader<readonly T[]> {
  return (v, where) => {
    if (!Array.isArray(v) || (length !== undefined && v.length !== length))
      fail(where, length === undefined ? 'a list' : `a list of ${length}`, v);
    return (v as Json[]).map((e, i) => item(e, `${where}[${i}]`));
  };
}

export function nullable<T>(item: Reader<T>): Reader<T | null> {
  return (v, where) => (v === null ? null : item(v, where));
}

export function oneOf<T extends string>(...options: readonly T[]): Reader<T> {
  return (v, where) => (options.includes(v as T) ? (v as T) : fail(where, options.join(' or '), v));
}

/** Files are smaller for what they need not say, a tenth for networks of 10,000 weights. */
export function optional<T>(item: Reader<T>, fallback: T): Reader<T> {
  const read = (v: Json | undefined, where: string): T => (v === undefined ? fallback : item(v, where));
  return Object.assign(read, { fallback });
}

export function object<A>(schema: Schema<A>): Reader<A> {
  return (v, where) => {
    if (!isJsonObject(v)) fail(where, 'an object', v);
    const source = v as Readonly<Record<string, Json>>;
    const out: [string, unknown][] = [];
    for (const key of Object.keys(schema) as (keyof A & string)[]) {
      const own = Object.hasOwn(source, key) ? source[key] : undefined;
      out.push([key, schema[key](own, `${where}.${key}`)]);
    }
    return Object.fromEntries(out) as A;
  };
}

/** What `object(schema)` reads back. */
export function write<A>(
  schema: Schema<A>,
  source: Readonly<Record<keyof A, unknown>>,
): Record<string, Json> {
  const out: [string, Json][] = [];
  for (const key of Object.keys(schema) as (keyof A & string)[]) {
    const { fallback } = schema[key];
    const value = source[key] as Json;
    if (fallback === undefined || JSON.stringify(fallback) !== JSON.stringify(value)) out.push([key, value]);
  }
  return Object.fromEntries(out);
}

export const shape: Reader<Shape> = list(count);
const pair = list(positive, 2) as Reader<Pair>;
const countPair = list(count, 2) as Reader<Pair>;
const unit = optional(pair, [1, 1]);
const padding = optional(list(count, 4) as Reader<Padding>, [0, 0, 0, 0]);
const activation = optional(oneOf('none', 'relu', 'relu6'), 'none');
const bias = optional(nullable(text), null);
const batchNorm: Schema<BatchNormRef> = {
  gamma: text,
  beta: text,
  mean: text,
  variance: text,
  eps: finite,
  momentum: finite,
};
const layer = { weight: text, bias, batchNorm: optional(nullable(object(batchNorm)), null), activation };
const binary = { activation };
const window = { kernel: pair, stride: pair, padding };

const UNARY_FUNCTIONS: readonly UnaryFunction[] = [
  'sigmoid',
  'tanh',
  'hardswish',
  'hardsigmoid',
  'silu',
  'softplus',
  'leakyRelu',
  'elu',
  'clip',
  'exp',
  'log',
  'sqrt',
  'pow',
  'abs',
  'neg',
];

const SCHEMAS: { readonly [O in OpName]: Schema<NodeAttrs[O]> } = {
  conv2d: { ...layer, stride: unit, padding, dilation: unit, groups: optional(positive, 1) },
  linear: layer,
  dynamicLinear: { weight: text, bias, activation },
  batchNorm,
  activation: { activation },
  unary: { fn: oneOf(...UNARY_FUNCTIONS), alpha: finite, beta: finite },
  prelu: { slope: text },
  lookup: { table: text },
  constant: { param: text },
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  maximum: {},
  minimum: {},
  matmul: {},
  maxPool2d: { ...window, dilation: unit },
  avgPool2d: { ...window, countIncludePad: bool },
  globalAvgPool: { keepdim: bool },
  reduce: { fn: oneOf('mean', 'sum', 'max', 'min'), axes: list(count), keepdim: bool },
  concat: { axis: count },
  reshape: { shape },
  transpose: { perm: list(count) },
  slice: { start: list(count), step: list(integer), count: list(count) },
  gather: { axis: count, indices: list(count) },
  pad: { pads: list(countPair), value: finite },
  resize: {
    size: pair,
    mode: oneOf('nearest', 'bilinear'),
    coordinates: oneOf('asymmetric', 'halfPixel', 'alignCorners'),
  },
  softmax: { beta: finite },
  quantize: {},
  dequantize: {},
};

/** One node as it stands in a document. */
export function readNode(value: Json | undefined, where: string): Node {
  const base = object({ op: text, id: text, inputs: list(text) })(value, where);
  if (!Object.hasOwn(SCHEMAS, base.op))
    throw new FormatError(
      `${where}.op: ${JSON.stringify(base.op)} is unknown; the file needs a newer octograd`,
    );
  const attrs = object<object>(SCHEMAS[base.op as OpName])(value, where);
  return { ...base, ...attrs } as Node;
}

/** The attributes that belong into a file, in the order of the schema. */
export function writeNode(node: Node): Json {
  const { op, id, inputs } = node;
  return { op, id, inputs, ...write<object>(SCHEMAS[op], node) };
}
