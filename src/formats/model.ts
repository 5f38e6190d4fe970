/**
 * Model files: a graph, float or integer, with its weights in one self-describing file (see container.ts). Weights of 4
 * bits are stored two to a byte.
 */
import { FormatError, NDArray, qdtypeOf, sizeOf, type QParams } from '../core/index.js';
import { validate, type Graph, type Numerics, type Param, type Value } from '../graph/index.js';
import { decodeContainer, encodeContainer } from './container.js';
import { packInt4, unpackInt4 } from './int4.js';
import type { Json } from './json.js';
import {
  count,
  finite,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  readNode,
  shape,
  text,
  write,
  writeNode,
} from './modelSchema.js';

const KIND = 'model';

/** What a model says about itself besides its graph. */
export interface ModelInfo {
  /** Names of the classes, in the order of the outputs. */
  readonly labels: readonly string[];
  /** How an image becomes an input: `(pixel / 255 - mean) / std` per channel; null where it is no image model. */
  readonly normalization: { readonly mean: readonly number[]; readonly std: readonly number[] } | null;
}

export interface Model {
  readonly graph: Graph;
  readonly info: ModelInfo;
}

const NO_INFO: ModelInfo = { labels: [], normalization: null };

/** Scales and zero points per channel stand beside the tensor under these names. */
const scaleName = (id: string): string => `${id}#scale`;
const zeroPointName = (id: string): string => `${id}#zeroPoint`;

function writeQParams(qp: QParams): Json {
  return { scale: Array.from(qp.scale, shortest), zeroPoint: [...qp.zeroPoint], ...write(rangeSchema, qp) };
}

/** The number of fewest digits that is this float32. */
function shortest(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === x) return short;
  }
  return Number(x.toPrecision(9));
}

const rangeSchema = {
  axis: optional(nullable(count), null),
  quantMin: optional(integer, -128),
  quantMax: optional(integer, 127),
};

const readQParams = nullable((v: Json | undefined, where: string): QParams => {
  const { scale, zeroPoint, ...range } = object({
    ...rangeSchema,
    scale: list(finite),
    zeroPoint: list(integer),
  })(v, where);
  return {
    ...range,
    dtype: qdtypeOf(range),
    scale: Float32Array.from(scale),
    zeroPoint: Int32Array.from(zeroPoint),
  };
});

/** Bytes of a model file. */
export function encodeModel(graph: Graph, info: ModelInfo = NO_INFO): Uint8Array {
  const tensors = new Map<string, NDArray>();
  const params: Json[] = [];
  for (const { id, array, qparams } of graph.params.values()) {
    tensors.set(id, qparams?.dtype === 'int4' ? packed(array) : array);
    if (qparams !== null) {
      tensors.set(scaleName(id), new NDArray(qparams.scale, [qparams.scale.length]));
      if (qparams.zeroPoint.some((z) => z !== 0))
        tensors.set(zeroPointName(id), new NDArray(qparams.zeroPoint, [qparams.zeroPoint.length]));
    }
    params.push(
      qparams === null
        ? { id, shape: array.shape }
        : { id, shape: array.shape, qparams: write(rangeSchema, qparams) },
    );
  }
  const document: Json = {
    batch: graph.batch,
    inputs: graph.inputs,
    outputs: graph.outputs,
    numerics: { ...graph.numerics },
    values: Array.from(graph.values.values(), ({ id, shape: sizes, qparams }) => ({
      id,
      shape: sizes,
      ...(qparams === null ? {} : { qparams: writeQParams(qparams) }),
    })),
    nodes: graph.nodes.map(writeNode),
    params,
    labels: info.labels,
    normalization: info.normalization === null ? null : { ...info.normalization },
  };
  return encodeContainer({ kind: KIND, document, tensors });
}

function packed(array: NDArray): NDArray<'uint8'> {
  const bytes = packInt4(array.data as Int8Array);
  return new NDArray(bytes, [bytes.length]);
}

function readParam(value: Json | undefined, where: string, tensors: ReadonlyMap<string, NDArray>): Param {
  const entry = object({ id: text, shape, qparams: optional(nullable(object(rangeSchema)), null) })(
    value,
    where,
  );
  const { id } = entry;
  const tensor = (name: string): NDArray => {
    const t = tensors.get(name);
    if (t === undefined) throw new FormatError(`${where}: tensor ${name} is missing; the file is corrupt`);
    return t;
  };
  const stored = tensor(id);
  if (entry.qparams === null) {
    if (stored.dtype !== 'float32')
      throw new FormatError(`${where}: ${id} is ${stored.dtype} without qparams; the file is corrupt`);
    return { id, array: withShape(stored, entry.shape, where), qparams: null };
  }
  const scale = tensor(scaleName(id)).data;
  if (!(scale instanceof Float32Array))
    throw new FormatError(`${where}: scales are not float32; the file is corrupt`);
  const zeroPoint = tensors.get(zeroPointName(id))?.data ?? new Int32Array(scale.length);
  if (!(zeroPoint instanceof Int32Array))
    throw new FormatError(`${where}: zero points are not int32; the file is corrupt`);
  const dtype = qdtypeOf(entry.qparams);
  const qparams: QParams = { ...entry.qparams, dtype, scale, zeroPoint };
  if (stored.dtype !== (dtype === 'int4' ? 'uint8' : dtype))
    throw new FormatError(
      `${where}: ${id} is stored as ${stored.dtype}, its codes are ${dtype}; the file is corrupt`,
    );
  const array =
    dtype === 'int4'
      ? new NDArray(unpackInt4(stored.data as Uint8Array, sizeOf(entry.shape)), entry.shape)
      : withShape(stored, entry.shape, where);
  return { id, array, qparams };
}

function withShape(array: NDArray, want: readonly number[], where: string): NDArray {
  if (array.size !== sizeOf(want))
    throw new FormatError(
      `${where}: ${array.size} elements do not fill [${want.join(', ')}]; the file is corrupt`,
    );
  return array.reshape(want);
}

function byId<T extends { readonly id: string }>(list: string, items: readonly T[]): Map<string, T> {
  const map = new Map(items.map((item) => [item.id, item]));
  if (map.size !== items.length)
    throw new FormatError(`model.${list}: an id appears twice; the file is corrupt`);
  return map;
}

export function readNumerics(v: Json | undefined, where: string): Numerics {
  const { numerics } = object({ numerics: oneOf('float', 'fixed') })(v, where);
  if (numerics === 'float') return { numerics };
  return { numerics, ...object({ rounding: oneOf('double', 'single') })(v, where) };
}

/**
 * Reads a model file. Throws FormatError for a damaged, truncated or foreign file, GraphError or QuantizationError for
 * one whose graph breaks the rules.
 */
export function decodeModel(bytes: Uint8Array): Model {
  const { document, tensors } = decodeContainer(bytes, KIND);
  const value = object<Omit<Value, 'dtype'>>({ id: text, shape, qparams: optional(readQParams, null) });
  const numbers = list(finite);
  const raw = object({
    batch: oneOf('free', 'fixed'),
    inputs: list(text),
    outputs: list(text),
    numerics: readNumerics,
    values: list(value),
    nodes: list(readNode),
    params: list((v, where) => readParam(v, where, tensors)),
    labels: list(text),
    normalization: nullable(object({ mean: numbers, std: numbers })),
  })(document, 'model');
  const graph = validate({
    batch: raw.batch,
    inputs: raw.inputs,
    outputs: raw.outputs,
    nodes: raw.nodes,
    numerics: raw.numerics,
    values: byId('values', raw.values),
    params: byId('params', raw.params),
  });
  return { graph, info: { labels: raw.labels, normalization: raw.normalization } };
}
