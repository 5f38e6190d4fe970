/** TFLite files that mean harm: small, well-formed and meant to become huge. And damage that keeps words in their place. */
import { Builder } from 'flatbuffers';
import type { Random } from '../../../src/core/random.js';
import { encodeTflite, type TfliteOperator, type TfliteTensor } from '../../../src/formats/tflite/index.js';

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

const plain = (name: string, shape: readonly number[], more: Partial<TfliteTensor> = {}): TfliteTensor => ({
  name,
  shape,
  shapeSignature: null,
  dtype: 'float32',
  data: null,
  quantization: null,
  isVariable: false,
  ...more,
});
const ints = (data: readonly number[]): TfliteTensor =>
  plain('c', [data.length], { dtype: 'int32', data: Int32Array.from(data) });

/** A file of one input and one output, the last tensor. */
function network(tensors: readonly TfliteTensor[], operators: readonly object[]): Uint8Array {
  return encodeTflite({
    version: 3,
    description: '',
    subgraphs: [
      {
        name: '',
        tensors,
        inputs: [0],
        outputs: [tensors.length - 1],
        operators: operators.map((o) => ({ version: 1, options: null, ...o }) as TfliteOperator),
      },
    ],
    metadata: new Map(),
    signatureDefs: [],
  });
}

/** Well-formed networks that are much to import for their size, of about `bytes`. */
export function hostileNetworks(bytes: number): readonly [name: string, file: Uint8Array][] {
  const count = Math.min(Math.floor(bytes / 120), 8_000);
  const chain = Array.from({ length: count }, (_, i) => i);
  const many = (op: string, first: TfliteTensor, name: (i: number) => string): Uint8Array =>
    network(
      [plain('x', [1]), first, ...chain.map((i) => plain(name(i), first.shape))],
      chain.map((i) => ({ op, inputs: [i === 0 && op === 'TANH' ? 0 : i + 1], outputs: [i + 2] })),
    );
  const half = new Float32Array(Math.floor(bytes / 8));
  const wide = [1, 2 ** 22, 2, 1];
  return [
    ['a long chain', many('TANH', plain('y', [1]), String)],
    ['a long chain of one name', many('TANH', plain('y', [1]), () => 'y')],
    ['one constant negated again and again', many('NEG', plain('w', [half.length], { data: half }), String)],
    [
      'one value joined with itself',
      network(
        [plain('x', [1, 1]), plain('y', [1, count])],
        [
          {
            op: 'CONCATENATION',
            inputs: chain.map(() => 0),
            outputs: [1],
            options: { axis: 1, activation: 'NONE' },
          },
        ],
      ),
    ],
    ...(
      [
        ['TILE', ints([1, 1, 2 ** 24, 1]), { op: 'TILE' }],
        ['BROADCAST_TO', ints([1, 2 ** 22, 2 ** 20, 1]), { op: 'BROADCAST_TO' }],
        [
          'MIRROR_PAD',
          plain('c', [4, 2], { dtype: 'int32', data: Int32Array.of(0, 0, 1, 1, 0, 0, 0, 0) }),
          { op: 'MIRROR_PAD', options: { mode: 'REFLECT' } },
        ],
        ['FILL', ints([2 ** 24, 2 ** 24]), { op: 'FILL', inputs: [1, 2] }],
      ] as const
    ).map(([name, list, operator]): [string, Uint8Array] => [
      name,
      network(
        [plain('x', wide), list, plain('k', [], { data: Float32Array.of(1) }), plain('y', wide)],
        [{ inputs: [0, 1], outputs: [3], ...operator }],
      ),
    ]),
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
