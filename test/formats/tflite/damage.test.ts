/** TFLite files that are damaged, hostile, or of a kind that is not read: typed errors, at once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Builder } from 'flatbuffers';
import t from 'tap';
import { FormatError, OctogradError, UnsupportedError } from '../../../src/core/errors.js';
import { decodeTflite } from '../../../src/formats/tflite/index.js';
import { hostileTflite } from './hostile.js';
import { handmade, RAW, rawFile } from './raw.js';

const read = (name: string): Uint8Array =>
  readFileSync(join(process.cwd(), 'test', 'golden', 'int8_ops', 'models', name));

/** What `f` throws, which must be an error of the library. */
function typedError(f: () => unknown): OctogradError | null {
  try {
    f();
    return null;
  } catch (error) {
    if (error instanceof OctogradError) return error;
    throw error;
  }
}

t.test('damage: every prefix, every byte', (t) => {
  const bytes = Uint8Array.from(read('conv2d__per_tensor.tflite'));
  for (let end = 0; end < bytes.length; end++) typedError(() => decodeTflite(bytes.subarray(0, end)));
  t.throws(() => decodeTflite(bytes.subarray(0, 200)), FormatError);
  let refused = 0;
  for (let at = 0; at < bytes.length; at++)
    for (const value of [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 4]) {
      const copy = bytes.slice();
      copy[at] = value;
      const error = typedError(() => decodeTflite(copy));
      if (error !== null) refused++;
      if (error !== null && !(error instanceof UnsupportedError || error instanceof FormatError)) throw error;
    }
  t.ok(refused > 500, `${refused} refused`);
  t.end();
});

t.test('small files that claim to be huge', (t) => {
  for (const bytes of hostileTflite()) {
    const start = performance.now();
    const error = typedError(() => decodeTflite(bytes));
    t.match(error?.message, /far larger than its/);
    t.ok(performance.now() - start < 5000);
  }
  t.end();
});

t.test('what is refused by name', (t) => {
  const named: [string, Uint8Array, RegExp][] = [
    ['string', handmade((b) => ({ tensor: () => b.addFieldInt8(1, 5, 0) })), /elements of string/],
    ['bfloat16', handmade((b) => ({ tensor: () => b.addFieldInt8(1, 18, 0) })), /elements of bfloat16/],
    ['unknown type', handmade((b) => ({ tensor: () => b.addFieldInt8(1, 99, 0) })), /elements of type 99/],
    [
      'sparse',
      handmade((b) => {
        b.startObject(0);
        const sparsity = b.endObject();
        return { tensor: () => b.addFieldOffset(6, sparsity, 0) };
      }),
      /sparse tensors/,
    ],
    [
      'custom quantization',
      handmade((b) => {
        b.startObject(5);
        b.addFieldInt8(4, 1, 0);
        const quantization = b.endObject();
        return { tensor: () => b.addFieldOffset(4, quantization, 0) };
      }),
      /custom quantization/,
    ],
    [
      'outside',
      handmade((b) => ({ tensor: () => undefined, buffer: () => b.addFieldInt64(1, 2n ** 33n, 0n) })),
      /data outside its FlatBuffer/,
    ],
  ];
  for (const [name, bytes, message] of named)
    t.throws(() => decodeTflite(bytes), { constructor: UnsupportedError, message }, name);
  t.same(decodeTflite(handmade(() => ({ tensor: () => undefined }))).subgraphs[0].tensors.length, 1);
  t.throws(() => decodeTflite(new Uint8Array(0)), /another format/);
  t.throws(() => decodeTflite(new TextEncoder().encode('{"model": "not a FlatBuffer"}')), FormatError);
  t.end();
});

t.test('indices, options and numbers that lead nowhere', (t) => {
  const { graph, tensor, operator, code } = RAW;
  const options = { place: null, write: (b: Builder) => (b.startObject(0), b.endObject()) };
  const graphs = (patch: object): object => ({ subgraphs: [{ ...graph, ...patch }] });
  const wrong: [RegExp, object][] = [
    [/schema version 1/, { version: 1 }],
    [/subgraphs: there is none/, {}],
    [/buffer 7 does not exist/, graphs({ tensors: [{ ...tensor, buffer: 7 }] })],
    [/operator code 0 does not exist/, graphs({ operators: [operator] })],
    [/outputs: index 3 is outside/, graphs({ outputs: [3] })],
    [
      /inputs: index -2/,
      { ...graphs({ operators: [{ ...operator, inputs: [-2] }] }), operatorCodes: [code] },
    ],
    [
      /ADD has options of kind 3, not 11/,
      { ...graphs({ operators: [{ ...operator, optionsType: 3, options }] }), operatorCodes: [code] },
    ],
    [
      /2 elements of float32 take 8 bytes, its buffer has 5/,
      {
        ...graphs({ tensors: [{ ...tensor, buffer: 1 }] }),
        buffers: [{ data: null }, { data: new Uint8Array(5) }],
      },
    ],
    [/buffer 9 does not exist/, { ...graphs({}), metadata: [{ name: 'm', buffer: 9 }] }],
  ];
  for (const [message, patch] of wrong)
    t.throws(() => decodeTflite(rawFile(patch)), { constructor: FormatError, message }, String(message));
  const [loose] = decodeTflite(rawFile(graphs({ tensors: [tensor] }))).subgraphs[0].tensors;
  t.equal(loose.shapeSignature, null, 'an empty shape signature says nothing');
  t.end();
});
