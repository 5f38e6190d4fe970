/**
 * Tables of a FlatBuffers schema as data: each field knows how it is read and written. A table lists its fields in the
 * order of the schema, for the position is the id; types of decoded tables follow from the lists.
 */
import type { Builder } from 'flatbuffers';
import { ArgumentError, FormatError, UnsupportedError } from '../../core/errors.js';
import type { FlatFile, TablePlace } from './file.js';

export interface Field<T> {
  /** Bytes in the table, which are also its alignment. */
  readonly bytes: number;
  /** `at` is null where the table leaves the field out. */
  read(file: FlatFile, at: number | null, name: string): T;
  /** Writes what stands outside the table and has to stand before it; gives the offset, or 0 for nothing. */
  store?(builder: Builder, value: T): number;
  /** Writes into the open table: the value, or the offset that `store` gave. */
  put(builder: Builder, id: number, value: T, offset: number, name: string): void;
}

/** A field id that nobody needs here: deprecated, or of ops that are not read. */
export const GAP = 'gap';
type FieldList = Readonly<Record<string, Field<unknown> | typeof GAP>>;

export type RecordOf<L> = {
  readonly [K in keyof L as L[K] extends typeof GAP ? never : K]: L[K] extends Field<infer T> ? T : never;
};

export interface Table<T> {
  read(file: FlatFile, place: TablePlace | null): T;
  write(builder: Builder, value: T): number;
}

export function table<const L extends FieldList>(list: L): Table<RecordOf<L>> {
  const fields = Object.entries(list).map(([name, field]) => ({
    name,
    field: field === GAP ? null : field,
  }));
  return {
    read(file, place) {
      const record: Record<string, unknown> = {};
      fields.forEach(({ name, field }, id) => {
        if (field !== null)
          record[name] = field.read(file, place === null ? null : file.field(place, id, field.bytes), name);
      });
      return record as RecordOf<L>;
    },
    write(builder, value) {
      const record = value as Readonly<Record<string, unknown>>;
      const offsets = fields.map(({ name, field }) => field?.store?.(builder, record[name]) ?? 0);
      builder.startObject(fields.length);
      fields.forEach(({ name, field }, id) => field?.put(builder, id, record[name], offsets[id], name));
      return builder.endObject();
    },
  };
}

/** Puts only defined offsets. */
const putOffset = (builder: Builder, id: number, _value: unknown, offset: number): void =>
  builder.addFieldOffset(id, offset, 0);

const BITS = { Int8: 7, Uint8: 8, Int32: 31, Uint32: 32 } as const;

function whole(kind: keyof typeof BITS, fallback: number): Field<number> {
  const high = 2 ** BITS[kind] - 1;
  const low = kind.startsWith('U') ? 0 : -high - 1;
  return {
    bytes: kind.endsWith('8') ? 1 : 4,
    read: (file, at) => (at === null ? fallback : file.view[`get${kind}`](at, true)),
    put(builder, id, value, _offset, name) {
      if (!Number.isInteger(value) || value < low || value > high)
        throw new ArgumentError(`${name}: ${value} is not a whole number of [${low}, ${high}]`);
      if (high > 255) builder.addFieldInt32(id, value, fallback);
      else builder.addFieldInt8(id, value, fallback);
    },
  };
}

export const int8 = (): Field<number> => whole('Int8', 0);
export const uint8 = (): Field<number> => whole('Uint8', 0);
export const int32 = (fallback = 0): Field<number> => whole('Int32', fallback);
export const uint32 = (): Field<number> => whole('Uint32', 0);

export const float32 = (): Field<number> => ({
  bytes: 4,
  read: (file, at) => (at === null ? 0 : file.view.getFloat32(at, true)),
  put: (builder, id, value) => builder.addFieldFloat32(id, value, 0),
});

export const bool = (fallback = false): Field<boolean> => ({
  bytes: 1,
  read: (file, at) => (at === null ? fallback : file.view.getUint8(at) !== 0),
  put: (builder, id, value) => builder.addFieldInt8(id, Number(value), Number(fallback)),
});

/** A byte that stands for one of `names`, by its index; the names that are null are not taken. */
export function oneOf<const N extends readonly (string | null)[]>(names: N): Field<NonNullable<N[number]>> {
  type Name = NonNullable<N[number]>;
  return {
    bytes: 1,
    read(file, at, name) {
      const code = at === null ? 0 : file.view.getUint8(at);
      const value = names[code] ?? null;
      if (value === null)
        throw new FormatError(`bytes: ${name} has the code ${code}; known are ${listed(names)}`);
      return value as Name;
    },
    put(builder, id, value, _offset, name) {
      const code = names.indexOf(value);
      if (code < 0) throw new ArgumentError(`${name}: ${JSON.stringify(value)} is none of ${listed(names)}`);
      builder.addFieldInt8(id, code, 0);
    },
  };
}

function listed(names: readonly (string | null)[]): string {
  return names.flatMap((n, i) => (n === null ? [] : [`${n} (${i})`])).join(', ');
}

const utf8 = new TextDecoder();

export const string = (): Field<string> => ({
  bytes: 4,
  read(file, at) {
    if (at === null) return '';
    const { start, length } = file.vector(at, 1);
    return utf8.decode(file.bytes.subarray(start, start + length));
  },
  store: (builder, value) => (value === '' ? 0 : builder.createString(value)),
  put: putOffset,
});

/** Absent is null, empty is empty. 16: aligned as data that a runtime uses where it is. */
export const bytes = (alignment = 1): Field<Uint8Array | null> => ({
  bytes: 4,
  read(file, at) {
    if (at === null) return null;
    const { start, length } = file.vector(at, 1);
    return file.bytes.slice(start, start + length);
  },
  store(builder, value) {
    if (value === null) return 0;
    builder.prep(alignment, value.length);
    return builder.createByteVector(value);
  },
  put: putOffset,
});

/**
 * A vector of numbers. Absent is empty where `T` has no null. An empty list of indices or sizes is written, for runtimes
 * follow it unasked; empty typed arrays, which are optional, are not.
 */
function numbers<T extends { readonly length: number } | null>(
  elementBytes: number,
  read: (file: FlatFile, start: number, length: number) => T,
  absent: T,
  add: (builder: Builder, value: T & object, index: number) => void,
): Field<T> {
  return {
    bytes: 4,
    read(file, at) {
      if (at === null) return absent;
      const { start, length } = file.vector(at, elementBytes);
      return read(file, start, length);
    },
    store(builder, value) {
      if (value === null || (value.length === 0 && ArrayBuffer.isView(value))) return 0;
      builder.startVector(elementBytes, value.length, elementBytes);
      for (let i = value.length - 1; i >= 0; i--) add(builder, value, i);
      return builder.endVector();
    },
    put: putOffset,
  };
}

const readInts = (file: FlatFile, start: number, length: number): number[] =>
  Array.from({ length }, (_, i) => file.view.getInt32(start + 4 * i, true));

function addInt(builder: Builder, values: readonly number[], i: number): void {
  if (values[i] !== (values[i] | 0)) throw new ArgumentError(`${values[i]}: not a 32-bit whole number`);
  builder.addInt32(values[i]);
}

export const ints = (): Field<readonly number[]> => numbers<readonly number[]>(4, readInts, [], addInt);
export const optionalInts = (): Field<readonly number[] | null> =>
  numbers<readonly number[] | null>(4, readInts, null, addInt);

export const floats = (): Field<Float32Array> =>
  numbers(
    4,
    (file, start, length) =>
      Float32Array.from({ length }, (_, i) => file.view.getFloat32(start + 4 * i, true)),
    new Float32Array(0),
    (builder, values, i) => builder.addFloat32(values[i]),
  );

/** 64-bit numbers of which only those that fit 32 bits have a use. */
export const longs = (): Field<Int32Array> =>
  numbers(
    8,
    (file, start, length) =>
      Int32Array.from({ length }, (_, i) => {
        const value = file.view.getBigInt64(start + 8 * i, true);
        if (value !== BigInt.asIntN(32, value))
          throw new FormatError(`bytes: place ${start + 8 * i}: ${value} does not fit 32 bits`);
        return Number(value);
      }),
    new Int32Array(0),
    (builder, values, i) => builder.addInt64(BigInt(values[i])),
  );

/** A table in a field. Absent is null. */
export const child = <T>(of: Table<T>): Field<T | null> => ({
  bytes: 4,
  read: (file, at) => (at === null ? null : of.read(file, file.table(file.target(at)))),
  store: (builder, value) => (value === null ? 0 : of.write(builder, value)),
  put: putOffset,
});

export const children = <T>(of: Table<T>): Field<readonly T[]> => ({
  bytes: 4,
  read(file, at) {
    if (at === null) return [];
    const { start, length } = file.vector(at, 4);
    return Array.from({ length }, (_, i) => of.read(file, file.table(file.target(start + 4 * i))));
  },
  store(builder, value) {
    const offsets = value.map((v) => of.write(builder, v));
    builder.startVector(4, offsets.length, 4);
    for (const offset of offsets.reverse()) builder.addOffset(offset);
    return builder.endVector();
  },
  put: putOffset,
});

/** A member of a union, which the reader of the table has to interpret; written by a function. */
export interface UnionValue {
  readonly place: TablePlace | null;
  readonly write: ((builder: Builder) => number) | null;
}
export const union = (): Field<UnionValue> => ({
  bytes: 4,
  read: (file, at) => ({ place: at === null ? null : file.table(file.target(at)), write: null }),
  store: (builder, value) => value.write?.(builder) ?? 0,
  put: putOffset,
});

/** A field that changes what the rest means in a way that is not supported. Never written. */
export const refused = (size: 1 | 4 | 8, what: string): Field<undefined> => ({
  bytes: size,
  read(file, at) {
    if (at !== null && file.bytes.subarray(at, at + size).some((b) => b !== 0))
      throw new UnsupportedError(`bytes: the file has ${what}, which this reader does not take`);
    return undefined;
  },
  put: () => undefined,
});
