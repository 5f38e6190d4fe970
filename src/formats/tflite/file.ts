/**
 * Bytes of a FlatBuffers file that nobody vouches for. Every place is checked before it is read, as the official
 * verifier does (the runtime of the package `flatbuffers` verifies nothing), and what is read is charged to a budget,
 * because offsets may point to one place again and again and make a small file huge.
 *
 * Source: FlatBuffers internals (https://flatbuffers.dev/internals/): little-endian; a table starts with the signed
 * distance to its vtable; a vtable is [its size, size of the table, place of each field or 0] in uint16; strings,
 * vectors and tables inside a table are unsigned distances to a place further on.
 */
import { FormatError } from '../../core/errors.js';

/** Estimated bytes on the heap that decoding may take: this much for each byte of the file, and this much anyway. */
const BUDGET_PER_BYTE = 3;
const BUDGET_BASE = 24e6;
/** What an object and its properties take, and an array or typed array without its elements. */
const OBJECT_BYTES = 160;
const ARRAY_BYTES = 120;
const LIMIT = 2 ** 31 - 1;

/** Where a table stands, and where its fields are listed. */
export interface TablePlace {
  readonly start: number;
  readonly size: number;
  readonly vtable: number;
  readonly vtableSize: number;
}

export class FlatFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #budget: number;

  constructor(bytes: Uint8Array) {
    if (bytes.length > LIMIT)
      throw new FormatError(`bytes: ${bytes.length} bytes; a FlatBuffers file is below 2 GB`);
    // Not a Buffer, whose slice() is a view.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#budget = BUDGET_BASE + BUDGET_PER_BYTE * bytes.length;
  }

  /** The table that the file begins with. Throws unless the file has the identifier. */
  root(identifier: string): TablePlace {
    const found = String.fromCharCode(...this.bytes.subarray(4, 8));
    if (this.bytes.length < 12 || found !== identifier)
      throw new FormatError(
        `bytes: byte 4 to 7 read ${JSON.stringify(found)}, not ${JSON.stringify(identifier)}; this is another format, or damaged`,
      );
    return this.table(this.target(0));
  }

  /** Where the offset at `at` leads to. */
  target(at: number): number {
    const distance = this.view.getUint32(at, true);
    if (distance < 4) throw damaged(at, `an offset of ${distance} leads into itself`);
    return this.#place(at + distance, 4, 4);
  }

  table(start: number): TablePlace {
    this.charge(OBJECT_BYTES);
    this.#place(start, 4, 4);
    const vtable = this.#place(start - this.view.getInt32(start, true), 4, 2);
    const vtableSize = this.view.getUint16(vtable, true);
    const size = this.view.getUint16(vtable + 2, true);
    if (vtableSize < 4 || vtableSize % 2 !== 0 || size < 4)
      throw damaged(vtable, `a vtable of ${vtableSize} bytes for a table of ${size}`);
    this.#place(vtable, vtableSize, 2);
    this.#place(start, size, 4);
    return { start, size, vtable, vtableSize };
  }

  /** Where field `id` of `bytes` bytes stands; null when the table leaves it out. */
  field(table: TablePlace, id: number, bytes: number): number | null {
    const slot = 4 + 2 * id;
    if (slot >= table.vtableSize) return null;
    const offset = this.view.getUint16(table.vtable + slot, true);
    if (offset === 0) return null;
    if (offset < 4 || offset + bytes > table.size)
      throw damaged(table.start, `field ${id} stands at ${offset} of a table of ${table.size} bytes`);
    return this.#place(table.start + offset, bytes, bytes);
  }

  /** First place and number of elements of the vector that the offset at `at` leads to. */
  vector(at: number, elementBytes: number): { start: number; length: number } {
    const place = this.target(at);
    const length = this.view.getUint32(place, true);
    const start = place + 4;
    if (length > 0) this.#place(start, length * elementBytes, elementBytes);
    this.charge(ARRAY_BYTES + 2 * length * elementBytes);
    return { start, length };
  }

  /** Counts what is about to be allocated. Throws {@link FormatError} when it is out of proportion to the file. */
  charge(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0)
      throw new FormatError(
        `bytes: what the file describes is far larger than its ${this.bytes.length} bytes; it refers to the same places again and again`,
      );
  }

  #place(start: number, length: number, alignment: number): number {
    if (start < 0 || start + length > this.bytes.length)
      throw damaged(start, `${length} bytes are expected there; the file has ${this.bytes.length}`);
    if (start % alignment !== 0) throw damaged(start, `not a multiple of ${alignment}`);
    return start;
  }
}

function damaged(at: number, what: string): FormatError {
  return new FormatError(`bytes: place ${at}: ${what}; the file is truncated or corrupt`);
}
