/** Damage inside a protobuf message of any kind that leaves the lengths of all that encloses it right. */
import type { Random } from '../../src/core/random.js';

interface Part {
  /** Field number and wire type, as they stand in the file. */
  readonly tag: number;
  /** The value without its length. */
  readonly value: Uint8Array;
}

function readVarint(bytes: Uint8Array, at: number): [value: number, next: number] | null {
  for (let value = 0, scale = 1, i = at; i < bytes.length && i < at + 10; i++, scale *= 128) {
    value += (bytes[i] & 127) * scale;
    if (bytes[i] < 128) return [value, i + 1];
  }
  return null;
}

function writeVarint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...writeVarint(Math.floor(value / 128))];
}

/** The fields of a message, or null for what is none. */
function split(bytes: Uint8Array): Part[] | null {
  const parts: Part[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = readVarint(bytes, at);
    if (tag === null || tag[0] < 8) return null;
    let start = tag[1];
    let end: number | undefined;
    const wire = tag[0] & 7;
    if (wire === 0) end = readVarint(bytes, start)?.[1];
    else if (wire === 1) end = start + 8;
    else if (wire === 5) end = start + 4;
    else if (wire === 2) {
      const length = readVarint(bytes, start);
      if (length === null) return null;
      start = length[1];
      end = start + length[0];
    }
    if (end === undefined || end > bytes.length) return null;
    parts.push({ tag: tag[0], value: bytes.subarray(start, end) });
    at = end;
  }
  return parts;
}

function join(parts: readonly Part[]): Uint8Array {
  const pieces = parts.flatMap(({ tag, value }) => {
    const head = (tag & 7) === 2 ? writeVarint(value.length) : [];
    return [Uint8Array.from([...writeVarint(tag), ...head]), value];
  });
  return new Uint8Array(Buffer.concat(pieces));
}

/** Changes one field somewhere in the tree: takes it out, doubles it, moves it, renumbers it, or changes its value by `edit`. */
export function mutateTree(
  bytes: Uint8Array,
  random: Random,
  edit: (value: Uint8Array) => Uint8Array,
): Uint8Array {
  const parts = split(bytes);
  if (parts === null || parts.length === 0) return edit(bytes);
  const i = random.int(parts.length);
  const { tag, value } = parts[i];
  if ((tag & 7) === 2 && value.length > 0 && random.int(4) > 0)
    parts[i] = { tag, value: mutateTree(value, random, edit) };
  else
    switch (random.int(5)) {
      case 0:
        parts.splice(i, 1);
        break;
      case 1:
        parts.splice(random.int(parts.length), 0, parts[i]);
        break;
      case 2:
        parts.push(...parts.splice(i, 1));
        break;
      case 3:
        parts[i] = { tag: (random.int(26) + 1) * 8 + (tag & 7), value };
        break;
      default:
        parts[i] = { tag, value: edit(value) };
    }
  return join(parts);
}
