/** TFLite files that mean harm: small, well-formed and meant to become huge. And damage that keeps words in their place. */
import { Builder } from 'flatbuffers';
import type { Random } from '../../../src/core/random.js';

/** A vector of the same offset again and again. */
function repeated(builder: Builder, offset: number, times: number): number {
  builder.startVector(4, times, 4);
  for (let i = 0; i < times; i++) builder.addOffset(offset);
  return builder.endVector();
}

/** A table with one field. */
function wrapped(builder: Builder, id: number, offset: number): number {
  builder.startObject(id + 1);
  builder.addFieldOffset(id, offset, 0);
  return builder.endObject();
}

function file(fields: (builder: Builder) => readonly (readonly [id: number, offset: number])[]): Uint8Array {
  const builder = new Builder();
  const offsets = fields(builder);
  builder.startObject(8);
  builder.addFieldInt32(0, 3, 0);
  for (const [id, offset] of offsets) builder.addFieldOffset(id, offset, 0);
  builder.finish(builder.endObject(), 'TFL3');
  return builder.asUint8Array().slice();
}

const TIMES = 20_000;

export function hostileTflite(): Uint8Array[] {
  return [
    // as many subgraphs as fit, each of as many tensors or operators, which are all the same
    ...[0, 3].map((list) =>
      file((b) => {
        b.startObject(0);
        const items = repeated(b, b.endObject(), TIMES);
        return [[2, repeated(b, wrapped(b, list, items), TIMES)]];
      }),
    ),
    // one long vector that every operator has as its inputs
    file((b) => {
      b.startVector(4, TIMES, 4);
      for (let i = 0; i < TIMES; i++) b.addInt32(0);
      const operators = repeated(b, wrapped(b, 1, b.endVector()), TIMES);
      return [[2, repeated(b, wrapped(b, 3, operators), 1)]];
    }),
    // one constant in every buffer, one long name for all metadata
    file((b) => {
      const data = b.createByteVector(new Uint8Array(1e5));
      return [[4, repeated(b, wrapped(b, 0, data), TIMES)]];
    }),
    file((b) => {
      const name = b.createString('n'.repeat(1e5));
      return [[6, repeated(b, wrapped(b, 0, name), TIMES)]];
    }),
  ];
}

/** Another value for a word of two or four bytes where one may stand: offsets stay aligned and lead elsewhere. */
export function mutateWords(bytes: Uint8Array, random: Random): Uint8Array {
  const out = bytes.slice();
  if (out.length < 8) return out;
  const view = new DataView(out.buffer);
  const at = 4 * random.int(Math.floor(out.length / 4));
  if (random.int(3) === 0) {
    view.setUint16(at + 2 * random.int(2), [0, 1, 2, 4, 6, 8, 0xffff, random.int(64)][random.int(8)], true);
    return out;
  }
  const old = view.getInt32(at, true);
  const values = [
    0,
    1,
    -1,
    old + 4,
    old - 4,
    4 * random.int(out.length),
    -4 * random.int(out.length),
    2 ** 31 - 1,
  ];
  view.setInt32(at, values[random.int(values.length)], true);
  return out;
}
