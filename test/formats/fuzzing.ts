/** Damages files from a seed, and checks that a reader meets each with a typed error, in bounded time and memory. */
import { OctogradError, type ErrorCode } from '../../src/core/errors.js';
import { Random } from '../../src/core/random.js';

export interface Format {
  readonly name: string;
  /** What to start from: good files, and small hostile ones. */
  readonly seeds: () => readonly Uint8Array[];
  /** Files of about that many bytes that are made to take as much time and memory as can be; read as they are. */
  readonly hostile?: (bytes: number) => readonly [name: string, file: Uint8Array][];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Damage that knows the format, done to half of the files; `edit` damages a part of one. */
  readonly mutate?: (bytes: Uint8Array, random: Random, edit: (part: Uint8Array) => Uint8Array) => Uint8Array;
  /** Makes checksums and lengths right again, so that damage gets past them. */
  readonly repair?: (bytes: Uint8Array, random: Random) => Uint8Array;
}

export const LIMITS = { milliseconds: 1000, bytes: (file: number): number => 4 * file + 64e6 };

/** What a reader may throw. */
const CODES: readonly ErrorCode[] = ['format', 'unsupported', 'graph', 'quantization', 'shape', 'dtype'];

const replace = (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length - remove + insert.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(bytes.subarray(at + remove), at + insert.length);
  return out;
};

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Numbers that overflow, wrap around, or point outside, as lengths and offsets of 1 to 8 bytes. */
function extreme(random: Random, file: number): Uint8Array {
  const width = [1, 2, 4, 8][random.int(4)];
  const values = [0n, 1n, -1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n - 1n];
  values.push(BigInt(file), BigInt(file - 1), BigInt(random.int(file + 1)), BigInt(random.int(256)));
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, values[random.int(values.length)]), true);
  return bytes.subarray(0, width);
}

/** A variable-length integer as protobuf writes it, of up to 11 bytes, sometimes longer than any reader should take. */
function varint(random: Random): Uint8Array {
  const out = new Uint8Array(1 + random.int(11)).fill(0xff);
  for (let i = 0; i < out.length - 1; i++) if (random.int(2) === 0) out[i] = 0x80;
  out[out.length - 1] = random.int(128);
  return out;
}

/** Where it is worth cutting: anywhere, but more often near the front, where headers stand. */
const place = (random: Random, length: number): number =>
  random.int(2) === 0 ? random.int(length + 1) : random.int(Math.min(length, 200) + 1);

const MUTATIONS: readonly Mutation[] = [
  // one bit
  (bytes, random) => {
    const out = bytes.slice();
    if (out.length > 0) out[Math.min(place(random, out.length), out.length - 1)] ^= 1 << random.int(8);
    return out;
  },
  // cut off
  (bytes, random) => bytes.slice(0, place(random, bytes.length)),
  // a piece lost
  (bytes, random) => {
    const at = place(random, bytes.length);
    return replace(bytes, at, Math.min(random.int(16), bytes.length - at), new Uint8Array(0));
  },
  // a length or an offset changed
  (bytes, random) => {
    const at = place(random, bytes.length);
    const number = extreme(random, bytes.length);
    return replace(bytes, at, Math.min(number.length, bytes.length - at), number);
  },
  // the same, of variable length
  (bytes, random) => {
    const at = place(random, bytes.length);
    return replace(bytes, at, Math.min(random.int(3), bytes.length - at), varint(random));
  },
  // signs that text formats are made of
  (bytes, random) => {
    const at = place(random, bytes.length);
    const sign = '9"{}[],:0- \\()\''.charCodeAt(random.int(15));
    return replace(bytes, at, Math.min(random.int(2), bytes.length - at), Uint8Array.of(sign));
  },
  // a piece repeated, at times very often
  (bytes, random) => {
    const at = place(random, bytes.length);
    const piece = bytes.subarray(at, at + 1 + random.int(40));
    const times = random.int(8) === 0 ? 2000 : 1 + random.int(4);
    const many = new Uint8Array(piece.length * times);
    for (let i = 0; i < times; i++) many.set(piece, i * piece.length);
    return replace(bytes, at, 0, many);
  },
  // a piece of another file
  (bytes, random, other) => {
    const from = place(random, other.length);
    const piece = other.subarray(from, from + random.int(200));
    const at = place(random, bytes.length);
    return replace(bytes, at, Math.min(random.int(2) * piece.length, bytes.length - at), piece);
  },
  // the head of one file, the tail of the other
  (bytes, random, other) => {
    const at = place(random, bytes.length);
    return replace(bytes, at, bytes.length - at, other.subarray(place(random, other.length)));
  },
];

/** A damaged copy of one of `seeds`. */
export function mutate(seeds: readonly Uint8Array[], random: Random, special?: Format['mutate']): Uint8Array {
  const pick = (): Uint8Array => seeds[random.int(seeds.length)];
  const edit = (bytes: Uint8Array): Uint8Array =>
    MUTATIONS[random.int(MUTATIONS.length)](bytes, random, pick());
  let bytes = pick();
  for (let edits = random.int(2) === 0 ? 1 : 1 + random.int(3); edits > 0; edits--)
    bytes = special !== undefined && random.int(2) === 0 ? special(bytes, random, edit) : edit(bytes);
  return bytes;
}

export interface Finding {
  /** What broke the rules; null if nothing did. */
  readonly problem: string | null;
  readonly accepted: boolean;
  readonly milliseconds: number;
  /** Garbage included, hence an upper bound, as long as no collection falls into the call. */
  readonly bytes: number;
}

function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export function inspect({ parse }: Format, bytes: Uint8Array): Finding {
  let problem: string | null = null;
  let result: unknown = null;
  const before = memory();
  const start = performance.now();
  try {
    result = parse(bytes);
  } catch (error) {
    if (!(error instanceof OctogradError && CODES.includes(error.code)))
      problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const milliseconds = performance.now() - start;
  const taken = memory() - before;
  if (milliseconds > LIMITS.milliseconds) problem ??= `took ${milliseconds.toFixed()} ms`;
  if (taken > LIMITS.bytes(bytes.length)) problem ??= `took ${taken} bytes for a file of ${bytes.length}`;
  return { problem, accepted: result !== null, milliseconds, bytes: taken };
}

/** File `index` of a format: the seeds as they are come first. */
export function fileOf(
  format: Format,
  seeds: readonly Uint8Array[],
  seed: string,
  index: number,
): Uint8Array {
  if (index < seeds.length) return seeds[index];
  const random = new Random(`${seed} ${format.name} ${index}`);
  const bytes = mutate(seeds, random, format.mutate);
  return format.repair?.(bytes, random) ?? bytes;
}
