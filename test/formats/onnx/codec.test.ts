/**
 * The ONNX codec: against files of other writers, byte for byte where they write as it does; every element type both
 * ways; and each rule that a broken file breaks.
 *
 * fixtures/everything.onnx was written with the Python package onnx 1.12: every element type, once in its own field and
 * once as raw bytes (names ending in `raw`), every kind of attribute, graphs in graphs, and names that are unusual.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { file_onnx as definition } from 'onnx-buf';
import t from 'tap';
import { ArgumentError } from '../../../src/core/errors.js';
import { sizeOf } from '../../../src/core/shape.js';
import { ATTRIBUTE_TYPE, DATA_TYPE, ONNX } from '../../../src/formats/onnx/definition.js';
import {
  decodeOnnx,
  decodeOnnxTensor,
  encodeOnnx,
  MAX_GRAPH_DEPTH,
  tensorNumbers,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../../src/formats/onnx/index.js';
import { field, many, model, nested, text, varint } from './hostile.js';

const folder = join(process.cwd(), 'test');
const everything = readFileSync(join(folder, 'formats/onnx/fixtures/everything.onnx'));

const EMPTY: OnnxGraph = {
  name: 'g',
  nodes: [],
  initializers: new Map(),
  inputs: [],
  outputs: [],
  valueInfo: new Map(),
};
const modelOf = (graph: Partial<OnnxGraph>): OnnxModel => ({
  irVersion: 8,
  opsets: new Map([['', 13]]),
  producerName: '',
  producerVersion: '',
  metadata: new Map(),
  graph: { ...EMPTY, ...graph },
});
const nodeOf = (attributes: Record<string, OnnxAttribute>, outputs: string[] = []): OnnxNode => ({
  name: 'n',
  opType: 'A',
  domain: '',
  inputs: [],
  outputs,
  attributes: new Map(Object.entries(attributes)),
});

t.test("the table of fields says what ONNX's definition says", (t) => {
  const [MESSAGE, REPEATED] = [11, 3];
  const scalars = [
    '',
    'double',
    'float',
    'int64',
    'uint64',
    'int32',
    '',
    '',
    '',
    'string',
    '',
    '',
    'bytes',
    '',
    'int32',
  ];
  for (const [path, fields] of Object.entries(ONNX)) {
    const [outer, inner] = path.split('.');
    const message = definition.proto.messageType.find((m) => m.name === outer)!;
    const described = inner === undefined ? message : message.nestedType.find((m) => m.name === inner)!;
    for (const [name, [number, type, label]] of Object.entries(fields) as [
      string,
      [number, string, string?],
    ][]) {
      const f = described.field.find((f) => f.name === name)!;
      t.equal(f.number, number, `${path}.${name}`);
      t.equal(f.label === REPEATED, label === 'repeated', `${path}.${name}`);
      const known = f.type === MESSAGE ? f.typeName.replace('.onnx.', '') : scalars[f.type];
      t.ok(
        type === known || (type === 'bytes' && f.type === MESSAGE && !(known in ONNX)),
        `${path}.${name}: ${type}`,
      );
    }
  }
  for (const [message, name, constants] of [
    ['TensorProto', 'DataType', DATA_TYPE],
    ['AttributeProto', 'AttributeType', ATTRIBUTE_TYPE],
  ] as const) {
    const values = definition.proto.messageType
      .find((m) => m.name === message)!
      .enumType.find((e) => e.name === name)!.value;
    t.same(Object.fromEntries(values.map((v) => [v.name, v.number])), constants);
  }
  t.end();
});

t.test('files of the golden vectors are written again byte for byte', (t) => {
  const models = join(folder, 'golden/onnx_q/models');
  const names = readdirSync(models);
  t.ok(names.length > 20);
  for (const name of names) {
    const bytes = readFileSync(join(models, name));
    t.ok(bytes.equals(encodeOnnx(decodeOnnx(bytes))), name);
  }
  const { irVersion, opsets, producerName, graph } = decodeOnnx(
    readFileSync(join(models, 'quantize__int8_axis1.onnx')),
  );
  t.same([irVersion, [...opsets], producerName], [8, [['', 13]], 'golden']);
  const [node] = graph.nodes;
  t.same([node.opType, node.inputs, node.outputs], ['QuantizeLinear', ['x', 's', 'z'], ['y']]);
  t.same([...node.attributes], [['axis', { type: 'int', value: 1 }]]);
  t.same(
    graph.inputs.map((i) => i.dtype),
    ['float32'],
  );
  t.same(graph.initializers.get('z')?.dtype, 'int8');
  t.end();
});

t.test('every element type, from its own field and from raw bytes', (t) => {
  const { initializers } = decodeOnnx(everything).graph;
  const expected: [string, OnnxDType, ArrayLike<unknown>][] = [
    ['f32', 'float32', Float32Array.of(1.5, -2.25, 3e-30, Infinity)],
    ['f64', 'float64', Float64Array.of(0.1, -1e300)],
    ['f16', 'float16', Float32Array.of(0.5, 65504, 2 ** -24, -Infinity)],
    ['bf16', 'bfloat16', Float32Array.of(1, -3.140625, 2 ** 100)],
    ['i8', 'int8', Int8Array.of(-128, -1, 0, 127)],
    ['i16', 'int16', Int16Array.of(-32768, -1, 1, 32767)],
    ['i32', 'int32', Int32Array.of(-(2 ** 31), -1, 1, 2 ** 31 - 1)],
    ['i64', 'int64', BigInt64Array.of(-(2n ** 63n), -1n, 1n, 2n ** 63n - 1n)],
    ['u8', 'uint8', Uint8Array.of(0, 1, 128, 255)],
    ['u16', 'uint16', Uint16Array.of(0, 1, 32768, 65535)],
    ['u32', 'uint32', Uint32Array.of(0, 1, 2 ** 31, 2 ** 32 - 1)],
    ['u64', 'uint64', BigUint64Array.of(0n, 1n, 2n ** 63n, 2n ** 64n - 1n)],
    ['bool', 'bool', Uint8Array.of(1, 0, 1, 1)],
    ['i4', 'int4', Int8Array.of(-1, -8, 1, 7, 5)],
    ['u4', 'uint4', Uint8Array.of(15, 8, 1, 7, 5)],
  ];
  for (const [name, dtype, data] of expected)
    for (const key of [name, `${name}raw`]) {
      const tensor = initializers.get(key)!;
      t.equal(tensor.dtype, dtype, key);
      t.strictSame(tensor.data, data, key);
      t.equal(tensor.data.constructor, data.constructor, key);
      t.equal(sizeOf(tensor.dims), data.length, key);
    }
  t.same([initializers.get('scalar')!.dims, [...initializers.get('scalar')!.data]], [[], [7]]);
  t.same([initializers.get('empty')!.dims, initializers.get('empty')!.data.length], [[0, 3], 0]);
  t.equal(initializers.get('__proto__')!.data[0], 9);
  t.strictSame(tensorNumbers(initializers.get('i64')!), Float64Array.of(-(2 ** 63), -1, 1, 2 ** 63));
  t.equal(tensorNumbers(initializers.get('i8')!), initializers.get('i8')!.data);
  t.end();
});

t.test('attributes, values, operator sets and metadata as another writer wrote them', (t) => {
  const { opsets, metadata, producerVersion, graph } = decodeOnnx(everything);
  t.same(
    [...opsets],
    [
      ['', 17],
      ['com.example', 3],
    ],
  );
  t.same(
    [...metadata],
    [
      ['key', 'value'],
      ['__proto__', 'p'],
      ['é', ''],
    ],
  );
  t.equal(producerVersion, '1.2');
  const [first, second] = graph.nodes;
  t.same([first.name, first.domain, second.domain], ['node é', 'com.example', '']);
  t.same(
    [first.inputs, first.outputs],
    [
      ['x', '', 'w'],
      ['y', ''],
    ],
  );
  const { g, graphs, t: tensor, tensors, ...plain } = Object.fromEntries(first.attributes);
  t.same(Object.entries(plain), [
    ['__proto__', { type: 'int', value: 1 }],
    ['constructor', { type: 'string', value: 'c' }],
    ['f', { type: 'float', value: 1.5 }],
    ['floats', { type: 'floats', value: [1, -0.5] }],
    ['i', { type: 'int', value: -3 }],
    ['ints', { type: 'ints', value: [1, -1, 2 ** 63, -(2 ** 63)] }],
    ['s', { type: 'string', value: 'text é' }],
    ['strings', { type: 'strings', value: ['a', '', 'é'] }],
    ['zero', { type: 'int', value: 0 }],
  ]);
  t.strictSame((tensor.value as OnnxTensor).data, BigInt64Array.of(5n));
  t.strictSame((tensors.value as OnnxTensor[])[0].data, Float32Array.of(2));
  const branch = (g.value as OnnxGraph).nodes[0].attributes.get('then_branch')!;
  t.same((branch.value as OnnxGraph).nodes[0].outputs, ['inner_y']);
  t.equal((graphs.value as OnnxGraph[])[1].name, 'inner');
  t.same(graph.inputs, [
    { name: 'x', dtype: 'float32', dims: ['batch', 3, null, 0] },
    { name: 'c', dtype: 'bool', dims: [] },
    { name: 'w', dtype: 'float16', dims: null },
    { name: 'seq', dtype: null, dims: null },
  ]);
  t.same(graph.outputs, [{ name: 'z', dtype: 'float32', dims: [null, 3] }]);
  t.same([...graph.valueInfo.values()], [{ name: 'y', dtype: 'int8', dims: ['batch', 3] }]);
  t.end();
});

t.test('what was read is written and read again the same, and is a copy', (t) => {
  const bytes = Buffer.from(everything);
  const first = decodeOnnx(bytes);
  bytes.fill(0);
  const again = encodeOnnx(first);
  t.strictSame(decodeOnnx(again), first);
  t.strictSame(encodeOnnx(decodeOnnx(again)), again);
  const ints = [2 ** 53, -(2 ** 53), 2 ** 63];
  const back = decodeOnnx(encodeOnnx(modelOf({ nodes: [nodeOf({ ints: { type: 'ints', value: ints } })] })));
  t.same(back.graph.nodes[0].attributes.get('ints')!.value, ints);
  t.end();
});

t.test('a tensor by itself', (t) => {
  const tensor = decodeOnnxTensor(Buffer.concat([field(1, [2]), Uint8Array.of(0x10, 3), field(9, [255, 2])]));
  t.strictSame(tensor, { name: '', dtype: 'int8', dims: [2], data: Int8Array.of(-1, 2) });
  t.end();
});

t.test('broken files are refused with what is wrong', (t) => {
  const op = text(4, 'A');
  const name = text(8, 't');
  const FLOAT = [0x10, 1];
  const tensor = (...parts: (Uint8Array | number[])[]): Uint8Array => model(field(5, name, ...parts));
  const attribute = (...parts: (Uint8Array | number[])[]): Uint8Array =>
    model(field(1, op, field(5, text(1, 'a'), ...parts)));
  const minus1 = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
  const huge = varint(2 ** 52);
  const entry = (key: string): Uint8Array => field(14, text(1, key));
  const cases: [string, Uint8Array, 'format' | 'unsupported', RegExp][] = [
    ['nothing', new Uint8Array(0), 'format', /not an ONNX model/],
    ['no version', field(7), 'format', /not an ONNX model/],
    ['text', new TextEncoder().encode('solver { type: ADAM }'), 'format', /truncated or corrupt/],
    ['cut off', everything.subarray(0, 1000), 'format', /premature EOF; the file is truncated/],
    ['an endless number', Uint8Array.of(8, ...new Uint8Array(12).fill(255)), 'format', /invalid varint/],
    ['a field twice', Uint8Array.of(8, 8, 8, 9), 'format', /ir_version appears twice/],
    [
      'another wire type',
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0),
      'format',
      /ir_version has wire type 1, not 0/,
    ],
    ['text that is not UTF-8', model(field(2, [0xff])), 'format', /truncated or corrupt/],
    ['a group left open', model([0x1b]), 'format', /truncated or corrupt/],
    ['functions', Buffer.concat([model(), Uint8Array.of(0xca, 1, 0)]), 'unsupported', /functions of its own/],
    [
      'metadata twice',
      Buffer.concat([model(), entry('k'), entry('k')]),
      'format',
      /metadata: the name "k" appears/,
    ],
    [
      'an operator set twice',
      Buffer.concat([model(), field(8), field(8, text(1, 'ai.onnx'))]),
      'format',
      /operator sets/,
    ],
    ['negative size', tensor(field(1, minus1), FLOAT), 'format', /tensor "t" has a size of -1/],
    [
      'sizes that overflow',
      tensor(many(40, Uint8Array.of(8, ...huge)), FLOAT),
      'format',
      /takes .* the file holds 0/,
    ],
    [
      'too few bytes',
      tensor([8, 2], FLOAT, field(9, [0, 0, 0, 0])),
      'format',
      /takes 2 elements, the file holds 1 raw/,
    ],
    ['half an element', tensor([8, 1], FLOAT, field(9, [0, 0])), 'format', /holds 0\.5 raw/],
    ['no data', tensor([8, 2], FLOAT), 'format', /takes 2 elements, the file holds 0/],
    [
      'data twice',
      tensor([8, 1], FLOAT, field(4, [0, 0, 0, 0]), field(9, [0, 0, 0, 0])),
      'format',
      /1 raw and 1 others/,
    ],
    ['a list that ends in a number', tensor([8, 1], FLOAT, field(4, [0, 0, 0])), 'format', /ends within one/],
    [
      'a value beyond its type',
      tensor([8, 1], [0x10, 3], field(5, [0x80, 1])),
      'format',
      /128 at index 0 does not fit/,
    ],
    ['odd codes', tensor([8, 1], [0x10, 22], field(9, [0xff])), 'format', /unused half/],
    ['too many axes', tensor(field(1, new Uint8Array(65)), FLOAT), 'format', /65 axes, more than 64/],
    ['no type', tensor([8, 0]), 'format', /element type 0, which ONNX does not define/],
    ['unknown type', tensor([0x10, 99]), 'format', /element type 99/],
    ['strings', tensor([0x10, 8]), 'unsupported', /holds STRING/],
    ['8-bit floats', tensor([0x10, 17]), 'unsupported', /holds FLOAT8E4M3FN/],
    ['data elsewhere', tensor(FLOAT, [0x70, 1]), 'unsupported', /stored in another file/],
    ['a segment', tensor(FLOAT, field(3)), 'unsupported', /one segment/],
    ['sparse', model(field(15)), 'unsupported', /sparse/],
    [
      'a tensor twice',
      model(many(2, field(5, [8, 0], FLOAT, name))),
      'format',
      /initializers: the name "t" appears/,
    ],
    ['a tensor without name', model(field(5, [8, 0], FLOAT)), 'format', /has no name/],
    ['an input without name', model(field(11)), 'format', /input 0 has no name/],
    ['an input twice', model(many(2, field(11, text(1, 'x')))), 'format', /inputs: the name "x"/],
    ['a value twice', model(many(2, field(1, op, text(2, 'y')))), 'format', /values: the name "y"/],
    [
      'a huge size',
      model(field(11, text(1, 'x'), field(2, field(1, field(2, field(1, [8, ...varint(2 ** 60)])))))),
      'format',
      /size of/,
    ],
    ['no operator', model(field(1)), 'format', /node 0 names no operator/],
    [
      'attribute twice',
      model(field(1, op, many(2, field(5, text(1, 'a'), [0xa0, 1, 2])))),
      'format',
      /attributes of node 0 \(A\): the name "a"/,
    ],
    ['attribute without type', attribute([0x18, 1]), 'format', /attribute "a" of node 0 \(A\) has no value/],
    ['attribute without value', attribute([0xa0, 1, 4]), 'format', /has no value/],
    ['attribute of a type', attribute([0xa0, 1, 13]), 'unsupported', /attribute type 13/],
    [
      'attribute of a function',
      attribute(Uint8Array.of(0xaa, 1, 1, 97)),
      'unsupported',
      /refers to one of a function/,
    ],
    ['text that is not UTF-8', attribute([0xa0, 1, 3], field(4, [0xff])), 'format', /not valid UTF-8/],
    ['graphs too deep', model(nested(MAX_GRAPH_DEPTH + 2)), 'format', /nested more than 32 deep/],
  ];
  for (const [what, bytes, code, message] of cases)
    t.throws(() => decodeOnnx(bytes), { code, message }, what);
  t.ok(decodeOnnx(model(nested(MAX_GRAPH_DEPTH))), 'graphs to the limit');
  t.same(decodeOnnx(model(Uint8Array.of(0xf8, 0x7f, 1))).graph.nodes, [], 'an unknown field is skipped');
  t.end();
});

t.test('what the format cannot say is not written', (t) => {
  const w: OnnxTensor = { name: 'w', dtype: 'float32', dims: [2], data: Float32Array.of(1, 2) };
  const withTensor = (change: Partial<OnnxTensor>): Partial<OnnxGraph> => ({
    initializers: new Map([['w', { ...w, ...change } as OnnxTensor]]),
  });
  let deep: OnnxGraph = EMPTY;
  for (let i = 0; i <= MAX_GRAPH_DEPTH; i++)
    deep = { ...EMPTY, nodes: [nodeOf({ g: { type: 'graph', value: deep } })] };
  const cases: [string, Partial<OnnxGraph>, RegExp][] = [
    ['another array', withTensor({ dtype: 'int8' }), /data is Float32Array; int8 takes Int8Array/],
    ['another size', withTensor({ dims: [3] }), /dims \[3\] do not fit 2 elements/],
    ['a fractional size', withTensor({ dims: [0.5, 4] }), /do not fit/],
    [
      'codes beyond 4 bits',
      withTensor({ dtype: 'uint4', data: Uint8Array.of(1, 16) }),
      /code 16 at index 1 is outside \[0, 15\]/,
    ],
    [
      'no integer',
      { nodes: [nodeOf({ a: { type: 'int', value: 0.5 } })] },
      /attribute "a" of A: 0.5 is not a whole/,
    ],
    [
      'no int64',
      { nodes: [nodeOf({ a: { type: 'ints', value: [2 ** 64] } })] },
      /not a whole number of 64 bits/,
    ],
    ['no float32', { nodes: [nodeOf({ a: { type: 'float', value: 1e39 } })] }, /beyond the range of float32/],
    ['a value twice', { nodes: [nodeOf({}, ['y']), nodeOf({}, ['y'])] }, /"y" is defined twice/],
    ['too deep', deep, /nested more than 32 deep/],
  ];
  for (const [what, graph, message] of cases)
    t.throws(() => encodeOnnx(modelOf(graph)), { constructor: ArgumentError, message }, what);
  t.end();
});
