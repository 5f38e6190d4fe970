import t from 'tap';
import { ArgumentError, FormatError } from '../../src/core/errors.js';
import { NDArray } from '../../src/core/ndarray.js';
import { decodeSafetensors, encodeSafetensors, MAX_HEADER_BYTES } from '../../src/formats/safetensors.js';
import { fromBase64, latin1 } from './common.js';

/** A file from a header text and data, without the help of the encoder. */
function file(header: string, data: Uint8Array = new Uint8Array(0), length = header.length): Uint8Array {
  const out = new Uint8Array(8 + header.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(latin1(header), 8);
  out.set(data, 8 + header.length);
  return out;
}
const describe = (dtype: string, shape: number[], offsets: number[]) =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });

const sample = new Map<string, NDArray>([
  ['codes', new NDArray(Int8Array.of(-128, 127, 5), [3])],
  ['w', new NDArray(Float32Array.of(1.5, -2.25, 3, 1e-30, NaN, Infinity), [2, 3])],
  ['scalar', new NDArray(Float64Array.of(0.1), [])],
  ['empty', new NDArray(new Uint8Array(0), [0, 4])],
  ['i', new NDArray(Int32Array.of(-(2 ** 31), 2 ** 31 - 1), [2, 1])],
  ['__proto__', new NDArray(Uint8Array.of(255), [1])],
  ['a"b\\c/é', new NDArray(Uint8Array.of(1, 2), [2])],
]);

t.test('round trip keeps every bit, shape, dtype, name and metadata', (t) => {
  const { tensors, metadata } = decodeSafetensors(
    encodeSafetensors(sample, { note: 'café', __proto__x: '1' }),
  );
  t.equal(tensors.size, sample.size);
  for (const [name, a] of sample) {
    const b = tensors.get(name)!;
    t.same([b.dtype, b.shape], [a.dtype, a.shape], name);
    t.same(Buffer.from(b.data.buffer), Buffer.from(a.data.buffer), `${name}: bytes`);
  }
  t.same({ ...metadata }, { note: 'café', __proto__x: '1' });
  t.equal(Object.getPrototypeOf(metadata), null);
  t.equal(({} as { dtype?: unknown }).dtype, undefined, 'no prototype was touched');
  t.equal(decodeSafetensors(encodeSafetensors(new Map())).tensors.size, 0);
  t.end();
});

t.test('the bytes do not depend on the order of the map, and all data is aligned', (t) => {
  const bytes = encodeSafetensors(sample);
  t.same(encodeSafetensors(new Map([...sample].reverse())), bytes);
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  t.equal(headerBytes % 8, 0);
  const header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + headerBytes)).toString()) as Record<
    string,
    { dtype: string; data_offsets: number[] }
  >;
  for (const { dtype, data_offsets: offsets } of Object.values(header))
    t.equal(offsets[0] % (Number(dtype.slice(1)) / 8), 0, dtype);
  t.end();
});

t.test('a view of a larger buffer is written as what it shows, and read at any byte offset', (t) => {
  const view = new Float32Array(Float32Array.of(9, 1, 2, 9).buffer, 4, 2);
  const bytes = encodeSafetensors(new Map([['v', new NDArray(view, [2])]]));
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  const { tensors } = decodeSafetensors(shifted);
  shifted.fill(0);
  t.same([...tensors.get('v')!.data], [1, 2]);
  t.end();
});

t.test('reads a file of the reference implementation (safetensors 0.8 for Python), widening F16', (t) => {
  const { tensors, metadata } = decodeSafetensors(
    fromBase64(
      'eAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoiY2Fmw6kifSwiZCI6eyJkdHlwZSI6IkY2NCIsInNoYXBlIjpbXSwiZGF0YV9vZmZz' +
        'ZXRzIjpbMCw4XX0sInciOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsMl0sImRhdGFfb2Zmc2V0cyI6WzgsMjRdfSwiaWR4Ijp7ImR0eXBl' +
        'IjoiSTMyIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMjQsMzJdfSwiaGFsZiI6eyJkdHlwZSI6IkYxNiIsInNoYXBlIjpbNF0sImRh' +
        'dGFfb2Zmc2V0cyI6WzMyLDQwXX0sImNvZGVzIjp7ImR0eXBlIjoiSTgiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOls0MCw0M119LCJ1' +
        'Ijp7ImR0eXBlIjoiVTgiLCJzaGFwZSI6WzAsNF0sImRhdGFfb2Zmc2V0cyI6WzQzLDQzXX19ICAgICAgmpmZmZmZuT8AAMA/AAAQwAAAQEBg' +
        'QqIN/////////38AOP97AQAA/IB/BQ==',
    ),
  );
  t.same({ ...metadata }, { note: 'café' });
  t.same([...tensors.get('w')!.data], [1.5, -2.25, 3, Math.fround(1e-30)]);
  t.same([...tensors.get('idx')!.data], [-1, 2 ** 31 - 1]);
  t.same([...tensors.get('codes')!.data], [-128, 127, 5]);
  t.same([...tensors.get('half')!.data], [0.5, 65504, 2 ** -24, -Infinity]);
  t.same([tensors.get('d')!.shape, tensors.get('d')!.data[0]], [[], 0.1]);
  t.same(tensors.get('u')!.shape, [0, 4]);
  t.end();
});

t.test('BF16 is the upper half of a float32', (t) => {
  const { tensors } = decodeSafetensors(
    file(`{"b":${describe('BF16', [3], [0, 6])}}`, Uint8Array.of(0x80, 0x3f, 0x20, 0xc0, 0xc0, 0x7f)),
  );
  t.same([...tensors.get('b')!.data], [1, -2.5, NaN]);
  t.end();
});

t.test('every broken header is refused with a FormatError that says what is wrong', (t) => {
  const four = new Uint8Array(4);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /0 bytes are too few/],
    ['seven bytes', new Uint8Array(7), /too few/],
    ['header past the end', file('{}', four, 1000), /header of 1000 bytes does not fit a file of 14/],
    ['header past 100 MB', file('{}', four, MAX_HEADER_BYTES + 1), /limit 100000000/],
    ['2^64 - 1', new Uint8Array(32).fill(255), /does not fit/],
    ['empty header', file('', four), /does not start with "{"/],
    ['not an object', file('[]  '), /does not start with "{"/],
    ['a byte order mark', file('\xef\xbb\xbf{}'), /does not start with "{"/],
    ['bad UTF-8', file('{"\xff":1}'), /UTF-8/],
    ['bad JSON', file('{"a":'), /not valid JSON/],
    ['deep JSON', file(`{"a":${'['.repeat(200_000)}`), /nested more than 1000 deep/],
    [
      'same name twice',
      file(`{"a":${describe('U8', [4], [0, 4])},"a":${describe('U8', [4], [0, 4])}}`, four),
      /"a" appears twice/,
    ],
    [
      'same name, escaped',
      file(`{"a":${describe('U8', [4], [0, 4])},"\\u0061" :${describe('U8', [4], [0, 4])}}`, four),
      /"a" appears twice/,
    ],
    [
      'same key twice inside',
      file(`{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}`, four),
      /"dtype" appears twice/,
    ],
    ['description is a number', file('{"a":1}'), /"a": its description is not an object/],
    ['no dtype', file('{"a":{"shape":[4],"data_offsets":[0,4]}}', four), /dtype is missing/],
    ['unknown dtype', file(`{"a":${describe('I16', [], [0, 4])}}`, four), /dtype I16 is not supported/],
    [
      'dtype of the prototype',
      file(`{"a":${describe('toString', [], [0, 4])}}`, four),
      /toString is not supported/,
    ],
    ['negative size', file(`{"a":${describe('U8', [-4], [0, 4])}}`, four), /shape must be/],
    ['fractional size', file(`{"a":${describe('U8', [0.5], [0, 4])}}`, four), /shape must be/],
    ['size of 2^53', file(`{"a":${describe('U8', [2 ** 53], [0, 4])}}`, four), /shape must be/],
    ['size as text', file('{"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}', four), /shape must be/],
    ['one offset', file(`{"a":${describe('U8', [4], [0])}}`, four), /data_offsets must be/],
    ['offsets reversed', file(`{"a":${describe('U8', [4], [4, 0])}}`, four), /data_offsets must be/],
    [
      'shape too large',
      file(`{"a":${describe('F32', [2], [0, 4])}}`, four),
      /shape \[2\] of F32 does not take the 4 bytes/,
    ],
    [
      'product overflows',
      file(`{"a":${describe('U8', new Array(40).fill(2 ** 40) as number[], [0, 4])}}`, four),
      /does not take/,
    ],
    [
      'product overflows to NaN',
      file(`{"a":${describe('U8', [...(new Array(40).fill(2 ** 40) as number[]), 0], [0, 0])}}`),
      /does not take/,
    ],
    [
      'past the end',
      file(`{"a":${describe('U8', [400], [0, 400])}}`, four),
      /describes 400 bytes of data, the file holds 4/,
    ],
    [
      'rest not described',
      file(`{"a":${describe('U8', [2], [0, 2])}}`, four),
      /describes 2 bytes of data, the file holds 4/,
    ],
    ['a hole', file(`{"a":${describe('U8', [2], [2, 4])}}`, four), /starts at offset 2 where 0/],
    [
      'overlap',
      file(`{"a":${describe('U8', [3], [0, 3])},"b":${describe('U8', [2], [2, 4])}}`, four),
      /"b" starts at offset 2 where 3/,
    ],
    ['metadata is a list', file('{"__metadata__":[]}'), /__metadata__ is not an object/],
    ['metadata is not text', file('{"__metadata__":{"n":1}}'), /"n" is not text/],
  ];
  for (const [name, bytes, message] of cases)
    t.throws(() => decodeSafetensors(bytes), { constructor: FormatError, message }, name);
  t.end();
});

t.test('a name that the format reserves cannot be written', (t) => {
  const tensors = new Map([['__metadata__', new NDArray(Uint8Array.of(1), [1])]]);
  t.throws(() => encodeSafetensors(tensors), {
    constructor: ArgumentError,
    message: /__metadata__ is reserved/,
  });
  t.end();
});

t.test('64-bit integers become int32, or are refused', (t) => {
  const file = (value: bigint): Uint8Array => {
    const header = new TextEncoder().encode('{"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}   ');
    const bytes = new Uint8Array(8 + header.length + 8);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    view.setBigInt64(8 + header.length, value, true);
    return bytes;
  };
  t.same([...decodeSafetensors(file(-3n)).tensors.get('n')!.data], [-3]);
  t.throws(() => decodeSafetensors(file(2n ** 40n)), { code: 'format', message: /1099511627776/ });
  t.end();
});
