import t from 'tap';
import { ArgumentError, FormatError } from '../../src/core/errors.js';
import { NDArray } from '../../src/core/ndarray.js';
import { Random } from '../../src/core/random.js';
import { CONTAINER_VERSION, decodeContainer, encodeContainer } from '../../src/formats/container.js';
import { crc32, formatCrc32 } from '../../src/formats/crc32.js';
import type { Json } from '../../src/formats/json.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { mutate } from './fuzzing.js';

const document = {
  nodes: [{ op: 'conv2d', scale: 0.1 }],
  text: 'a "quoted" \n line, "crc32":"00000000"',
  ['__proto__']: 1,
};
const tensors = new Map<string, NDArray>([
  ['w', new NDArray(Int8Array.of(1, -2, 3), [3])],
  ['b', new NDArray(Float32Array.of(0.5, -0), [2])],
]);
const bytes = encodeContainer({ kind: 'model', document, tensors });

/** The same file with other metadata and a checksum that is right. */
function rewrite(change: Record<string, string>): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const out = encodeSafetensors(tensors, { ...metadata, crc32: '00000000', ...change });
  const at = Buffer.from(out).indexOf('00000000');
  const sum = formatCrc32(crc32(out.subarray(at + 8), crc32(out.subarray(0, at))));
  out.set(Buffer.from(sum), at);
  return out;
}

t.test('round trip', (t) => {
  const back = decodeContainer(bytes, 'model');
  t.equal(back.kind, 'model');
  t.same(back.document, document);
  t.same([...back.tensors.keys()].sort(), ['b', 'w']);
  t.same([...back.tensors.get('w')!.data], [1, -2, 3]);
  t.ok(Object.is(back.tensors.get('b')!.data[1], -0));
  t.same(encodeContainer({ kind: 'model', document, tensors: new Map([...tensors].reverse()) }), bytes);
  t.end();
});

t.test('any reader of safetensors lists its tensors', (t) => {
  const { tensors: read, metadata } = decodeSafetensors(bytes);
  t.equal(read.size, 2);
  t.equal(metadata['format'], 'octograd');
  t.equal(metadata['version'], String(CONTAINER_VERSION));
  t.same(JSON.parse(metadata['document']), document);
  t.end();
});

t.test('every single flipped bit is noticed', (t) => {
  let unnoticed = 0;
  for (let i = 0; i < bytes.length * 8; i++) {
    const damaged = bytes.slice();
    damaged[i >> 3] ^= 1 << (i & 7);
    try {
      decodeContainer(damaged);
      unnoticed++;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  t.equal(unnoticed, 0);
  t.end();
});

t.test('cut at every length', (t) => {
  for (let n = 0; n < bytes.length; n++)
    if (t.throws(() => decodeContainer(bytes.subarray(0, n)), FormatError, `${n} bytes`) === false) break;
  t.throws(() => decodeContainer(bytes.subarray(0, bytes.length - 1)), /checksum is .* truncated or corrupt/);
  t.end();
});

t.test('other files are refused by name', (t) => {
  const refused = (file: Uint8Array, message: RegExp, kind?: string) =>
    t.throws(() => decodeContainer(file, kind), { constructor: FormatError, message }, String(message));
  refused(encodeSafetensors(tensors), /not one written by octograd/);
  refused(Buffer.from('PK\x03\x04 this is a zip file or so'), /not a safetensors file/);
  refused(bytes, /holds a model, a checkpoint is expected/, 'checkpoint');
  refused(rewrite({ version: '2' }), /version 2, this build reads version 1; update octograd/);
  refused(rewrite({ format: 'other' }), /not one written by octograd/);
  refused(rewrite({ document: '{"a":1,"a":2}' }), /"a" appears twice/);
  refused(rewrite({ document: '{' }), /document: not valid JSON/);
  t.same(decodeContainer(rewrite({ document: '7' })).document, 7, 'the helper writes readable files');
  t.end();
});

t.test('what JSON would lose cannot be written', (t) => {
  const write = (document: unknown) => () =>
    encodeContainer({ kind: 'model', document: document as Json, tensors });
  t.throws(write({ scale: NaN }), { constructor: ArgumentError, message: /document: NaN at key "scale"/ });
  t.throws(write([-Infinity]), ArgumentError);
  t.throws(write({ a: undefined }), ArgumentError);
  t.throws(() => encodeContainer({ kind: '', document: null, tensors }), /kind: is empty/);
  t.end();
});

t.test('3000 damaged files: FormatError for all that changed', (t) => {
  const random = new Random('damaged files');
  let changed = 0;
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const damaged = mutate([bytes], random);
    if (Buffer.from(damaged).equals(bytes)) continue;
    changed++;
    try {
      decodeContainer(damaged);
    } catch (error) {
      if (error instanceof FormatError) refused++;
    }
  }
  t.ok(changed > 2500, `${changed} changed`);
  t.equal(refused, changed);
  t.end();
});
