/**
 * Protobuf messages by tables of their fields. Reading goes one level at a time and leaves nested messages as bytes, so
 * that the caller decides how deep to go and nothing is allocated that the file does not pay for; writing goes all the way.
 *
 * Source: https://protobuf.dev/programming-guides/encoding. The wire format itself is the package's.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FormatError } from '../core/errors.js';

/** Number on the wire, a scalar type or the name of another message, and whether it is a list. */
export type Field = readonly [number: number, type: string, label?: 'repeated'];
export type Message = Readonly<Record<string, Field>>;
export type Messages = Readonly<Record<string, Message>>;

interface ScalarOf {
  int32: number;
  int64: bigint;
  uint64: bigint;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array;
}
interface ListOf {
  int32: Int32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float: Float32Array;
  double: Float64Array;
  string: string[];
  bytes: Uint8Array[];
}
type One<T> = T extends keyof ScalarOf ? ScalarOf[T] : Uint8Array;
type Many<T> = T extends keyof ListOf ? ListOf[T] : Uint8Array[];

/** One level of a message: absent lists are empty, nested messages are their bytes. */
export type Fields<M extends Message> = {
  readonly [K in keyof M]: M[K] extends readonly [number, infer T, 'repeated']
    ? Many<T>
    : M[K] extends readonly [number, infer T]
      ? One<T> | undefined
      : never;
};

/** A whole message to write; what is undefined is left out. */
export type Content<D extends Messages, N extends keyof D> = {
  readonly [K in keyof D[N]]?:
    | (D[N][K] extends readonly [number, infer T, 'repeated']
        ? Iterable<Part<D, T>>
        : D[N][K] extends readonly [number, infer T]
          ? Part<D, T>
          : never)
    | undefined;
};
type Part<D extends Messages, T> = T extends keyof ScalarOf
  ? ScalarOf[T]
  : T extends keyof D
    ? Content<D, T>
    : never;

/** How much memory reading one file may take; every allocation is charged before it is made. */
export class Budget {
  readonly #limit: number;
  #left: number;
  constructor(limit: number) {
    this.#limit = this.#left = limit;
  }
  charge(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new FormatError(
        `bytes: holds so many small parts that reading them takes more than the ${this.#limit} bytes of memory that a file of this size may; it is corrupt`,
      );
  }
}

/** What a view of some bytes takes in an engine, and what is left of reading a message; on the generous side. */
const VIEW_BYTES = 160;
const MESSAGE_BYTES = 64;
const STRING_BYTES = 32;

const NUMBERS = {
  int32: { wire: WireType.Varint, read: (r: BinaryReader) => r.int32(), List: Int32Array },
  int64: { wire: WireType.Varint, read: (r: BinaryReader) => r.int64() as bigint, List: BigInt64Array },
  uint64: { wire: WireType.Varint, read: (r: BinaryReader) => r.uint64() as bigint, List: BigUint64Array },
  float: { wire: WireType.Bit32, read: (r: BinaryReader) => r.float(), List: Float32Array },
  double: { wire: WireType.Bit64, read: (r: BinaryReader) => r.double(), List: Float64Array },
} as const;
type NumberType = keyof typeof NUMBERS;
type NumberList = ListOf[NumberType];

const isNumber = (type: string): type is NumberType => Object.hasOwn(NUMBERS, type);

/** Numbers in a typed array that doubles when it is full. */
class Numbers {
  readonly #type: NumberType;
  readonly #budget: Budget;
  #data: NumberList;
  #length = 0;

  constructor(type: NumberType, budget: Budget) {
    this.#type = type;
    this.#budget = budget;
    this.#data = new NUMBERS[type].List(0);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#data.length) return;
    const old = this.#data;
    const { List } = NUMBERS[this.#type];
    const capacity = Math.max(needed, 2 * old.length);
    this.#budget.charge(capacity * List.BYTES_PER_ELEMENT);
    this.#data = new List(capacity);
    (this.#data as Float32Array).set(old as Float32Array);
  }

  readOne(reader: BinaryReader): void {
    this.#reserve(1);
    this.#data[this.#length++] = NUMBERS[this.#type].read(reader);
  }

  readPacked(packed: Uint8Array): void {
    const { wire, read, List } = NUMBERS[this.#type];
    if (wire !== WireType.Varint) {
      if (packed.length % List.BYTES_PER_ELEMENT !== 0)
        throw new FormatError('a list of numbers ends within one');
      this.#reserve(packed.length / List.BYTES_PER_ELEMENT);
      new Uint8Array(this.#data.buffer).set(packed, this.#length * List.BYTES_PER_ELEMENT);
      this.#length += packed.length / List.BYTES_PER_ELEMENT;
      return;
    }
    let count = 0;
    for (const byte of packed) if (byte < 0x80) count++;
    this.#reserve(count);
    const reader = new BinaryReader(packed);
    while (reader.pos < packed.length) this.#data[this.#length++] = read(reader);
  }

  finish(): NumberList {
    return this.#data.subarray(0, this.#length);
  }
}

const byNumber = new WeakMap<Message, ReadonlyMap<number, readonly [string, Field]>>();
function indexOf(message: Message): ReadonlyMap<number, readonly [string, Field]> {
  let index = byNumber.get(message);
  if (index === undefined) {
    index = new Map(Object.entries(message).map((entry) => [entry[1][0], entry]));
    byNumber.set(message, index);
  }
  return index;
}

/**
 * Reads one level of a message. Fields that `message` does not list are skipped. Bytes, nested messages among them, are
 * views of `bytes`. Throws {@link FormatError} for what is not well formed, and where a field that may appear once
 * appears twice: readers disagree on which of the two counts.
 */
export function readMessage<M extends Message>(
  bytes: Uint8Array,
  message: M,
  budget: Budget,
  what: string,
): Fields<M> {
  budget.charge(MESSAGE_BYTES);
  const fields: Record<string, unknown> = {};
  const numbers = new Map<string, Numbers>();
  for (const [name, [, type, label]] of Object.entries(message))
    fields[name] = label === undefined ? undefined : isNumber(type) ? new NUMBERS[type].List(0) : [];
  const index = indexOf(message);
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < bytes.length) {
      const [number, wire] = reader.tag();
      const entry = index.get(number);
      if (entry === undefined) {
        reader.skip(wire, number);
        continue;
      }
      const [name, [, type, label]] = entry;
      if (label !== undefined && isNumber(type)) {
        let list = numbers.get(name);
        if (list === undefined) numbers.set(name, (list = new Numbers(type, budget)));
        if (wire === WireType.LengthDelimited) list.readPacked(reader.bytes());
        else list.readOne(expectWire(reader, wire, NUMBERS[type].wire, name));
        continue;
      }
      const value = readOne(reader, wire, name, type, budget);
      if (label !== undefined) (fields[name] as unknown[]).push(value);
      else if (fields[name] === undefined) fields[name] = value;
      else throw new FormatError(`field ${name} appears twice`);
    }
  } catch (error) {
    const reason = (error as Error).message;
    if (error instanceof FormatError && reason.startsWith('bytes: ')) throw error;
    throw new FormatError(`bytes: ${what}: ${reason}; the file is truncated or corrupt`);
  }
  for (const [name, list] of numbers) fields[name] = list.finish();
  return fields as Fields<M>;
}

function readOne(
  reader: BinaryReader,
  wire: WireType,
  name: string,
  type: string,
  budget: Budget,
): number | bigint | string | Uint8Array {
  if (isNumber(type)) return NUMBERS[type].read(expectWire(reader, wire, NUMBERS[type].wire, name));
  expectWire(reader, wire, WireType.LengthDelimited, name);
  if (type !== 'string') {
    budget.charge(VIEW_BYTES);
    return reader.bytes();
  }
  const start = reader.pos;
  const text = reader.string(true);
  budget.charge(STRING_BYTES + 2 * (reader.pos - start));
  return text;
}

function expectWire(reader: BinaryReader, wire: WireType, expected: WireType, name: string): BinaryReader {
  if (wire === expected) return reader;
  throw new FormatError(`field ${name} has wire type ${wire}, not ${expected}`);
}

/** Writes a message with all that is nested in it, fields in the order of the table. */
export function writeMessage<D extends Messages, N extends keyof D & string>(
  messages: D,
  name: N,
  content: Content<D, N>,
): Uint8Array {
  const writer = new BinaryWriter();
  write(writer, messages, messages[name], content);
  return writer.finish();
}

function write(
  writer: BinaryWriter,
  messages: Messages,
  message: Message,
  content: Readonly<Record<string, unknown>>,
): void {
  for (const [name, [number, type, label]] of Object.entries(message)) {
    const value = content[name];
    if (value === undefined) continue;
    for (const part of label === undefined ? [value] : (value as Iterable<unknown>)) {
      if (isNumber(type)) {
        writer.tag(number, NUMBERS[type].wire);
        writer[type](part as never);
        continue;
      }
      writer.tag(number, WireType.LengthDelimited);
      if (type === 'string') writer.string(part as string);
      else if (type === 'bytes') writer.bytes(part as Uint8Array);
      else {
        writer.fork();
        write(writer, messages, messages[type], part as Readonly<Record<string, unknown>>);
        writer.join();
      }
    }
  }
}
